"""rules: checks of answers that a team writes down; metrics: all there are, and a team's own folders of `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lib.errors import BadInput
from lib.evaluation.metrics import folders, list_metrics
from lib.evaluation.metrics import rules as stored
from lib.evaluation.metrics.rules import Rule
from lib.settings import settings
from studio.commands.output import AsJson, emit, say, table

rules = typer.Typer(no_args_is_help=False, help="List the rules that answers are checked by; add or remove one.")
metrics = typer.Typer(no_args_is_help=False, help="List the metrics; add or remove a metric folder of your team.")

Several = list[str] | None


def register(app: typer.Typer) -> None:
    app.add_typer(rules, name="rules")
    app.add_typer(metrics, name="metrics")


@rules.callback(invoke_without_command=True)
def list_rules(context: typer.Context, json: AsJson = False) -> None:
    """List the rules. As a metric, one is called rule:NAME. Or add or remove one."""
    if context.invoked_subcommand is not None:
        return
    found = stored.list_rules()
    if json:
        emit({"rules": [rule.to_dict() for rule in found]})
    else:
        table(["name", "the answer", "by"], [[rule.name, rule.says, rule.created_by] for rule in found])


@rules.command("add")
def add_rule(
    name: Annotated[str, typer.Argument(help="Name; as a metric it is rule:NAME.")],
    contains: Annotated[Several, typer.Option(help="Text that the answer must contain; repeatable: all.")] = None,
    without: Annotated[Several, typer.Option(help="Text that it must not contain; repeatable: none.")] = None,
    equals: Annotated[Several, typer.Option(help="What it may be; repeatable: one of them.")] = None,
    regex: Annotated[str, typer.Option(help="Pattern that it must match somewhere.")] = "",
    is_json: Annotated[bool, typer.Option("--is-json", help="It must be one JSON document.")] = False,
    key: Annotated[Several, typer.Option(help="Key that its JSON object must have; repeatable: all.")] = None,
    words: Annotated[str, typer.Option(help="How many words, such as 5:50, :50 or 5: .")] = "",
    characters: Annotated[str, typer.Option(help="How many characters, in the same way.")] = "",
    ignore_case: Annotated[bool, typer.Option("--ignore-case", help="Of text and patterns.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the rule of that name.")] = False,
    json: AsJson = False,
) -> None:
    """Add a rule; each answer passes or fails it, no reference needed. Give one kind of check."""
    given = {
        "contains": contains,
        "not_contains": without,
        "equals": equals,
        "regex": regex,
        "json": is_json or key,
        "words": words,
        "characters": characters,
    }
    asked = [kind for kind, value in given.items() if value]
    if len(asked) != 1:
        listed = ", ".join(asked) or "none"
        raise BadInput(f"A rule checks one thing; asked for: {listed}.", "Add a rule for each.")
    low, high = _between(words or characters)
    rule = Rule(
        name,
        "length" if asked[0] in ("words", "characters") else asked[0],  # type: ignore[arg-type]
        texts=tuple(contains or without or equals or ()),
        pattern=regex,
        keys=tuple(key or ()),
        unit="characters" if characters else "words",
        low=low,
        high=high,
        ignore_case=ignore_case,
    )
    saved = stored.save_rule(rule, settings.user, replace)
    emit(saved.to_dict()) if json else print(f"Saved rule:{saved.name}: the answer {saved.says}.")


@rules.command("remove")
def remove_rule(
    name: Annotated[str, typer.Argument(help="Name of the rule.")],
    json: AsJson = False,
) -> None:
    """Remove a rule. Comparisons that were made with it keep their figures."""
    stored.delete_rule(name)
    emit({"removed": name}) if json else print(f"{name} is removed.")


@metrics.callback(invoke_without_command=True)
def list_all(context: typer.Context, json: AsJson = False) -> None:
    """List the metrics: the studio's, rules and folders. Or add or remove a folder."""
    if context.invoked_subcommand is not None:
        return
    found = list_metrics()
    if json:
        emit({"metrics": [spec.to_dict() for spec in found.values()]})
        return
    ways = {True: "higher", False: "lower", None: "neither"}
    table(
        ["name", "better", "what it measures"],
        [[name, ways[spec.higher_is_better], spec.help] for name, spec in found.items()],
    )


@metrics.command("add")
def add_folder(
    folder: Annotated[Path, typer.Argument(help="Folder NAME with NAME.py, a metric of `evaluate`.")],
    name: Annotated[str | None, typer.Option(help="Name; as a metric it is folder:NAME. Else the folder's.")] = None,
    higher_is_better: Annotated[bool | None, typer.Option("--higher-is-better/--lower-is-better")] = None,
    low: Annotated[float | None, typer.Option(help="Lowest figure there can be.")] = None,
    high: Annotated[float | None, typer.Option(help="Highest; none: no upper bound.")] = None,
    result: Annotated[str, typer.Option(help="Which of the numbers that it computes, where there are several.")] = "",
    json: AsJson = False,
) -> None:
    """Copy a metric folder in. A comparison that uses it runs the code in it, with the rights of the studio."""
    known = name or folder.expanduser().resolve().name
    say("Comparisons with this metric will run the code of this folder.")
    added = folders.add_folder(folder, known, settings.user, higher_is_better, low, high, result)
    emit(added.to_dict()) if json else print(f"Added folder:{added.name}.")


@metrics.command("remove")
def remove_folder(
    name: Annotated[str, typer.Argument(help="Name of the metric, without folder: before it.")],
    json: AsJson = False,
) -> None:
    """Remove a metric folder. Comparisons that were made with it keep their figures."""
    folders.remove_folder(name)
    emit({"removed": name}) if json else print(f"{name} is removed.")


def _between(text: str) -> tuple[int | None, int | None]:
    """`5:50`, `:50`, `5:` as two limits."""
    if not text:
        return None, None
    low, colon, high = text.partition(":")
    try:
        return (int(low) if low.strip() else None), (int(high) if high.strip() else None if colon else int(low))
    except ValueError as error:
        raise BadInput(f"{text!r} is no range of lengths.", "Write 5:50, :50 or 5: .") from error
