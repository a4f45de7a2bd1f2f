"""templates: list them, and save, show, check or delete one's own (`templates save NAME FILE`)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lib import models
from lib.data import datasets
from lib.data.edits.conversations import conversations
from lib.data.versions import present
from lib.errors import BadInput, StorageError
from lib.formats import get_template, load_tokenizer, saved, template_names
from lib.formats.custom import custom_template
from lib.formats.jinja import TemplateFault, check_source
from lib.formats.round_trip import RoundTrip, round_trip
from lib.formats.template import Template
from lib.settings import settings
from lib.words import clock, counted
from studio.commands.output import AsJson, emit, progress, table

templates = typer.Typer(no_args_is_help=False, help="List the templates; save, show, check or delete your own.")
SAVED = "name or name@version of a saved template"


def register(app: typer.Typer) -> None:
    app.add_typer(templates, name="templates")


@templates.callback(invoke_without_command=True)
def list_(context: typer.Context, json: AsJson = False) -> None:
    """List the templates: those that come with the studio, then saved ones. Or save, show, check, delete one."""
    if context.invoked_subcommand is not None:
        return
    found = [_entry(get_template(name), name) for name in template_names()]
    if json:
        emit({"templates": found})
        return
    table(
        ["name", "version", "label", "help"],
        [[entry["name"], entry["version"] or "", entry["label"], entry["help"]] for entry in found],
    )


@templates.command()
def save(
    name: Annotated[str, typer.Argument(help="Name to use it by.")],
    file: Annotated[Path, typer.Argument(help="File with the template, in Jinja.")],
    note: Annotated[str, typer.Option(help="What it is for, or what is new, in a few words.")] = "",
    json: AsJson = False,
) -> None:
    """Save a template, or the next version of one. A source with a fault is refused."""
    template = saved.save(name, _read(file), settings.user, note)
    emit(_entry(template, name)) if json else print(f"Saved as {template.name}.")


@templates.command()
def show(name: Annotated[str, typer.Argument(help=SAVED)], json: AsJson = False) -> None:
    """Print the source of a saved template, and who wrote it when."""
    found = saved.get(name)
    if json:
        emit({**asdict(found), "versions": [version.version for version in _versions(found.name)]})
        return
    print(f"{found.ref}, by {found.created_by}, {clock(found.created_at)}" + (f": {found.note}" if found.note else ""))
    print(found.source)


@templates.command()
def check(
    source: Annotated[str, typer.Argument(help="A file with Jinja, or the name of any template.")],
    data: Annotated[str | None, typer.Option(help="Dataset whose rows to write and read back.")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="Model whose tokens to write them with.")] = None,
    escape: Annotated[bool, typer.Option("--escape", help="Escape marks inside messages instead of refusing.")] = False,
    json: AsJson = False,
) -> None:
    """Look for faults, by line and column; with --data also whether every row comes back. Exit status 1 if not."""
    template, faults = _to_check(source)
    report = _round_trip(template, data, tokenizer, escape) if data and template else None
    if json:
        emit({"faults": [fault.to_dict() for fault in faults], "round_trip": report and report.to_dict()})
    else:
        for fault in faults:
            print(f"{source}: {fault}")
        if not faults:
            print(f"{source}: no faults")
        if report:
            _print(report)
    if faults or (report and (report.differs or report.left_out == report.rows > 0)):
        raise typer.Exit(1)


@templates.command()
def delete(
    name: Annotated[str, typer.Argument(help="Name of a saved template.")],
    yes: Annotated[bool, typer.Option("--yes", help="Really.")] = False,
    json: AsJson = False,
) -> None:
    """Take a saved template off the list, with all its versions. Runs that were made with one still find it."""
    count = len(saved.versions(name))
    if not yes:
        raise BadInput(f"This hides {counted(count, 'version')} of {name}.", "Add --yes if that is meant.")
    saved.delete(name)
    emit({"deleted": name, "versions": count}) if json else print(f"{name} is deleted.")


def _entry(template: Template, name: str) -> dict[str, Any]:
    version = int(template.name.partition("@")[2]) if template.source else None
    return {"name": name, "version": version, "label": template.label, "help": template.help}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}.", "Name a file with a template.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from error


def _versions(name: str) -> list[saved.SavedTemplate]:
    """Those that are not hidden; none when all are."""
    return saved.versions(name) if name in template_names() else []


def _to_check(source: str) -> tuple[Template | None, list[TemplateFault]]:
    """The template in a file or of that name, None when it has faults, and its faults."""
    path = Path(source)
    if not path.is_file():
        template = get_template(source)
        return template, check_source(template.source) if template.source else []
    text = _read(path)
    faults = check_source(text)
    return (None if faults else custom_template(path.name, text)), faults


def _round_trip(template: Template, data: str, tokenizer: str | None, escape: bool) -> RoundTrip:
    info = datasets.get(data)
    loaded = load_tokenizer(models.find(tokenizer).path) if tokenizer else None
    told = progress("rows written and read back", info.rows)
    rows = conversations(present(info))
    return round_trip(template, rows, loaded, escape=escape, progress=lambda done: told(done, info.rows))


def _print(report: RoundTrip) -> None:
    print(f"{report.template}: {counted(report.rows, 'row')}, {report.same:,} come back as they were", end="")
    print(f", {report.whitespace:,} but for whitespace, {report.differs:,} otherwise, {report.left_out:,} refused")
    if not report.readable:
        print("Text in this form cannot be read back: what it writes was not compared.")
    for difference in report.differences:
        print(f"row {difference.row}: {difference.what}")
    for reason, refused in report.refused.items():
        print(f"refused {refused.rows:,} (first: row {refused.first[0]}): {reason}")
