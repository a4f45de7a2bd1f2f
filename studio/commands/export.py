"""export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lib.data import datasets as store
from lib.data.datasets import DatasetInfo
from lib.errors import BadInput
from lib.export.dataset import export_dataset, export_folder
from lib.export.hub import check_repo_id, push_to_hub
from lib.export.options import COLUMNS, FORMATS, LONG_ROWS, ExportOptions, ending
from lib.export.report import ExportReport
from lib.words import counted
from studio.commands.output import AsJson, emit, progress, say

FOLDER_FORMAT = ".parquet"


def register(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    out: Annotated[
        str | None,
        typer.Option(help=f"File to write ({', '.join(FORMATS)}), or a folder: a file for each split, and a card."),
    ] = None,
    template: Annotated[str | None, typer.Option(help="Template to write the text in.")] = None,
    columns: Annotated[str, typer.Option(help=f"Shape of a row: {', '.join(COLUMNS)}.")] = "text",
    tokenizer: Annotated[
        str | None, typer.Option(help="Model whose special tokens to write, not the format's.")
    ] = None,
    no_specials: Annotated[
        bool,
        typer.Option("--no-specials", help="Leave out the begin and end token, for a tokenizer that adds its own."),
    ] = False,
    escape: Annotated[
        bool, typer.Option("--escape", help="Escape marks of the format inside messages, not refuse them.")
    ] = False,
    unroll: Annotated[
        bool, typer.Option("--unroll", help="A row for each answer, with its question and the system prompt only.")
    ] = False,
    split: Annotated[str | None, typer.Option(help="Only rows of this split.")] = None,
    split_files: Annotated[bool, typer.Option("--split-files", help="A folder, whatever its name.")] = False,
    format: Annotated[str | None, typer.Option(help=f"Format of the files in a folder ({FOLDER_FORMAT}).")] = None,
    max_length: Annotated[int | None, typer.Option(help="Longest row in tokens, for ids.", min=1)] = None,
    long_rows: Annotated[str, typer.Option(help=f"What becomes of longer ones: {', '.join(LONG_ROWS)}.")] = "drop",
    train_on_prompt: Annotated[
        bool, typer.Option("--train-on-prompt", help="Labels of ids on all text, not on the answers only.")
    ] = False,
    keep_good: Annotated[
        bool, typer.Option("--keep-good", help="Leave out the rows that cannot be used; report them.")
    ] = False,
    licence: Annotated[str | None, typer.Option(help="Licence that the card names, such as cc-by-4.0.")] = None,
    push: Annotated[str | None, typer.Option(help="Dataset on the Hub to push the folder to: owner/name.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Let everybody read what is pushed.")] = False,
    json: AsJson = False,
) -> None:
    """Write a saved version of a dataset as a file or a folder; on request push it to the Hub."""
    options = ExportOptions(
        columns=columns,
        template=template,
        tokenizer=tokenizer,
        specials=not no_specials,
        escape=escape,
        unroll=unroll,
        split=split,
        split_files=split_files or _is_folder(out),
        max_length=max_length,
        long_rows=long_rows,
        train_on_prompt=train_on_prompt,
        keep_good=keep_good,
        licence=licence,
    )
    _check(out, push, public, format, options)
    report = _export(store.get(name), options, out, format, push, public)
    if json:
        emit(report.to_dict())
        return
    left_out = f", {report.left_out:,} left out" if report.left_out else ""
    print(f"{counted(report.rows, 'row')} written to {report.pushed or report.out}{left_out}")
    for line in report.lines():
        print(f"note: {line}")


def _is_folder(out: str | None) -> bool:
    return out is None or out.endswith("/") or not Path(out).suffix


def _check(out: str | None, push: str | None, public: bool, format: str | None, options: ExportOptions) -> None:
    if out is not None and not out.strip():
        raise BadInput("--out is empty.", "Name a file or a folder, or leave it out with --push owner/name.")
    if out is None and not push:
        raise BadInput("There is no --out.", "Give a file or folder to write, or --push owner/name.")
    if public and not push:
        raise BadInput("--public says how to push, and there is no --push.", "Give --push owner/name, or leave it out.")
    if push:
        check_repo_id(push)
    if push and not options.split_files:
        raise BadInput("Only a folder can be pushed.", "Give --out a folder's name with a slash at its end.")
    if out and not options.split_files and format and ending(format) != ending(out):
        raise BadInput(f"{out} is not {ending(format)}.", "Leave --format out for a file: its ending says it.")


def _export(
    info: DatasetInfo, options: ExportOptions, out: str | None, format: str | None, push: str | None, public: bool
) -> ExportReport:
    told = progress("rows read", info.rows)
    if out and not options.split_files:
        return export_dataset(info, options, Path(out), told)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(out) if out else Path(scratch) / info.name
        report = export_folder(info, options, folder, format or FOLDER_FORMAT, told)
        if push:
            say(f"pushing to {push} …")
            report.pushed = push_to_hub(folder, push, private=not public)
    return report
