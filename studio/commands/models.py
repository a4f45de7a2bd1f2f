"""models: those on this machine; a look at one on the Hub, fetching it, deleting one."""

from __future__ import annotations

from typing import Annotated

import typer

from lib.errors import BadInput
from lib.models import find, list_models
from lib.models import job as download_job
from lib.models.details import ModelInfo
from lib.models.download import unfinished
from lib.models.hub import look as look_at
from lib.models.ids import HubId
from lib.models.removal import delete_model, runs_on
from lib.settings import settings
from lib.words import amount, counted, size
from studio.commands.output import STOPPED_STATUS, AsJson, emit, follow, say, table

Revision = Annotated[str, typer.Option(help="Branch, tag or commit; the same as owner/name@revision.")]


def register(app: typer.Typer) -> None:
    models = typer.Typer(
        name="models", help="Models on this machine; look at, get or delete one.", invoke_without_command=True
    )
    models.callback()(listed)
    models.command("look")(look)
    models.command("get")(get)
    models.command("delete")(delete)
    app.add_typer(models)


def listed(context: typer.Context, json: AsJson = False) -> None:
    """Models on this machine; look at, get or delete one."""
    if context.invoked_subcommand is not None:
        return
    found, partial = list_models(), unfinished()
    if json:
        emit({"models": [model.to_dict() for model in found], "unfinished": [one.to_dict() for one in partial]})
        return
    table(
        ["model", "architecture", "parameters", "size", "context", "licence", "chat template", "from"],
        [_row(model) for model in found],
    )
    for model in found:
        if model.problem:
            print(f"{model.name}: {model.problem} {model.remedy}")
    for one in partial:
        print(f"{one.id}: {size(one.done)} of {size(one.total)} fetched; `models get {one.id}` goes on")


def look(
    name: Annotated[str, typer.Argument(help="owner/name or owner/name@revision on the Hub")],
    revision: Revision = "",
    json: AsJson = False,
) -> None:
    """What a model on the Hub is, and what speaks against it; nothing is fetched."""
    found = look_at(_id(name, revision))
    if json:
        emit(found.to_dict())
        return
    for line in found.lines():
        print(line)


def get(
    name: Annotated[str, typer.Argument(help="owner/name or owner/name@revision on the Hub")],
    revision: Revision = "",
    json: AsJson = False,
) -> None:
    """Fetch a model from the Hub; a second time, it goes on where it was. Ctrl-C stops it and keeps what has come."""
    asked = _id(name, revision)
    job = follow(download_job.submit(asked, settings.user))
    if job.result is None:
        say(f"{asked}: {job.status}; what has come is kept")
        if json:
            emit({"model": asked, "status": job.status})
        raise typer.Exit(STOPPED_STATUS)
    if json:
        emit(job.result)
        return
    model = find(asked)
    print(f"{asked}: {size(model.size)} in {model.path}")
    if model.problem:
        print(f"It cannot be trained on: {model.problem} {model.remedy}")


def delete(
    name: Annotated[str, typer.Argument(help="as `models` lists it, or its folder's name")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    json: AsJson = False,
) -> None:
    """Delete a model, or what has come of an unfinished download."""
    if not yes:
        raise BadInput(f"{_lost(name)} Nothing was deleted.", "Add --yes to delete it.")
    folder = delete_model(name, settings.user)
    if json:
        emit({"deleted": name, "path": str(folder)})
        return
    print(f"deleted {folder}")


def _id(name: str, revision: str) -> str:
    """Raises:
    BadInput: not an id, or two revisions.
    """
    if revision and "@" in name:
        raise BadInput(f"{name} names a revision already.", "Leave one of the two out.")
    HubId.parse(name)
    return str(HubId.parse(f"{name}@{revision}")) if revision else name


def _row(model: ModelInfo) -> list[str]:
    return [
        model.name,
        model.architecture,
        amount(model.parameters) if model.parameters else model.quantized or "?",
        size(model.size),
        f"{model.context_length:,}" if model.context_length else "?",
        model.license or "?",
        "yes" if model.chat_template else "no",
        model.source,
    ]


def _lost(name: str) -> str:
    """What goes with a model."""
    if any(one.id == name for one in unfinished()):
        return f"What has come of {name} would have to be fetched again."
    model = find(name)
    runs = runs_on(model)
    return f"{name} is {size(model.size)}." + (
        f" The adapters of {counted(len(runs), 'run')} cannot be used without it." if runs else ""
    )
