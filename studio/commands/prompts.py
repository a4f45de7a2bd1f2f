"""prompts: prompt sets, kept to be asked again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lib.data.mapping.roles import Mapping
from lib.errors import BadInput
from lib.evaluation import prompt_sets
from lib.settings import settings
from lib.words import counted
from studio.commands.output import AsJson, emit, table


def register(app: typer.Typer) -> None:
    app.command("prompts")(prompts)


def prompts(
    name: Annotated[str | None, typer.Argument(help="A prompt set; without one all are listed.")] = None,
    add: Annotated[Path | None, typer.Option(help="Add the prompts of this file: .txt, .csv, .jsonl …")] = None,
    map: Annotated[list[str] | None, typer.Option(help="role=column, where columns have other names.")] = None,
    remove: Annotated[int | None, typer.Option(help="Number of a prompt to take away.")] = None,
    rename: Annotated[str | None, typer.Option(help="Another name for the set.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the set.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Really.")] = False,
    to_dataset: Annotated[str | None, typer.Option(help="Import its prompts with a reference as this dataset.")] = None,
    json: AsJson = False,
) -> None:
    """List prompt sets or show one; add prompts of a file, take prompts away, rename or delete a set, import it."""
    wanted = [add is not None, remove is not None, rename is not None, delete, to_dataset is not None]
    if sum(wanted) > 1:
        raise BadInput("These options do one thing at a time.", "Give one of them.")
    if name is None:
        if any(wanted):
            raise BadInput("No prompt set is named.", "Give its name first.")
        _list(json)
    elif add is not None:
        added = prompt_sets.add_file(add.expanduser(), name, settings.user, Mapping.parse(map) if map else None)
        told = f"{name}: {added.added} prompts added, {added.with_reference} with a reference"
        refused = f"; {sum(added.refused.values())} rows refused, the first is {added.first}" if added.refused else ""
        emit(added.to_dict()) if json else print(told + refused)
    elif to_dataset is not None:
        report = prompt_sets.to_dataset(name, to_dataset, settings.user)
        document = {"name": to_dataset, "version": report.version, "rows": report.rows}
        emit(document) if json else print(f"{to_dataset}@{report.version}: {report.rows} rows")
    elif delete:
        count = prompt_sets.get(name).prompts
        if not yes:
            raise BadInput(f"This deletes {name} with {counted(count, 'prompt')}.", "Add --yes if that is meant.")
        prompt_sets.delete(name, settings.user)
        emit({"deleted": name}) if json else print(f"{name} is deleted.")
    else:
        if remove is not None and _remove(name, remove):
            emit({"name": name, "prompts": []}) if json else print(f"{name} is empty now and gone.")
            return
        if rename is not None:
            name = prompt_sets.rename(name, rename, settings.user).name
        _show(name, json)


def _remove(name: str, number: int) -> bool:
    """Whether that was the last one, and the set is gone with it."""
    if all(prompt.id != number for prompt in prompt_sets.prompts(name)):
        raise BadInput(f"{name} has no prompt {number}.", f"python -m studio prompts {name} lists them.")
    prompt_sets.remove(number, settings.user)
    return all(one.name != name for one in prompt_sets.list_sets())


def _list(json: bool) -> None:
    found = prompt_sets.list_sets()
    if json:
        emit({"prompt_sets": [one.to_dict() for one in found]})
        return
    table(
        ["name", "prompts", "with reference", "by"],
        [[one.name, one.prompts, one.with_reference, one.created_by] for one in found],
    )


def _show(name: str, json: bool) -> None:
    listed = prompt_sets.prompts(name)
    if json:
        emit({**prompt_sets.get(name).to_dict(), "prompts": [prompt.to_dict() for prompt in listed]})
        return
    table(
        ["number", "prompt", "reference"],
        [[prompt.id, _short(prompt.messages[-1]["content"]), _short(prompt.reference)] for prompt in listed],
    )


def _short(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]} …"
