"""import, datasets, check, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lib.data import datasets as store
from lib.data.checks import results as check_results
from lib.data.imports.importer import TEST_FRACTION, import_source
from lib.data.mapping.roles import Mapping
from lib.database import note
from lib.export.dataset import export_dataset
from lib.settings import settings
from lib.words import counted
from studio.commands.output import AsJson, emit, progress, say, splits_line, table

KeepGood = Annotated[bool, typer.Option("--keep-good", help="Leave out the rows that cannot be used; report them.")]


def register(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command("datasets")(datasets)
    app.command("check")(check)
    app.command("export")(export)


def import_(
    source: Annotated[str, typer.Argument(help="A file, a folder, or a Hub id (owner/name@revision:split).")],
    name: Annotated[str, typer.Option(help="Name of the dataset in the studio.")],
    map: Annotated[list[str] | None, typer.Option(help="Which column is what: role=column; repeatable.")] = None,
    keep_good: KeepGood = False,
    test_fraction: Annotated[
        float, typer.Option(help="Share of the questions held out as test, where no column says the split.")
    ] = TEST_FRACTION,
    json: AsJson = False,
) -> None:
    """Bring a file, a folder or a Hub dataset in as a new dataset version."""
    mapping = Mapping.parse(map) if map else None
    told = 0

    def tell(done: int, total: int | None) -> None:
        nonlocal told
        if done == total or done - told >= 10_000:
            told = done
            say(f"{done:,} rows read" + (f" of about {total:,}" if total else ""))

    report = import_source(
        source,
        name,
        mapping,
        keep_good=keep_good,
        progress=tell,
        user=settings.user,
        test_fraction=test_fraction,
    )
    if not report.existing:
        note(
            settings.user, f"imported {report.name}@{report.version}, {report.kept:,} rows", f"datasets?dataset={name}"
        )
    if json:
        emit(report.to_dict())
        return
    kept = f"{counted(report.kept, 'row')} kept, {report.refused:,} refused"
    print(f"{report.name}@{report.version}: {kept}; read as {report.label}")
    if report.existing:
        print("The same content is there already; nothing was written.")
    for line in report.notes:
        print(f"note: {line}")
    for reason, count in report.reasons.items():
        print(f"refused {count:,}: {reason}")


def datasets(json: AsJson = False) -> None:
    """List the datasets."""
    infos = store.list_datasets()
    if json:
        emit({"datasets": [info.to_dict() for info in infos]})
        return
    table(
        ["name", "version", "rows", "splits", "read as"],
        [
            [info.name, info.version, f"{info.rows:,}", splits_line(info.splits), info.label]
            for info in infos
        ],
    )  # fmt: skip


def check(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    template: Annotated[str | None, typer.Option(help="Look for the tags of this template only.")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="Model whose tokens are counted.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Longest row in tokens (with --tokenizer).", min=1)] = None,
    near: Annotated[float, typer.Option(help="Share of words from which rows are near-duplicates.")] = 0.8,
    only: Annotated[list[str] | None, typer.Option(help="Run this check only; repeatable.")] = None,
    json: AsJson = False,
) -> None:
    """Look for duplicates, cut answers, personal data and other faults; changes nothing."""
    info = store.get(name)

    chosen = frozenset(only) if only else None
    settings = check_results.settings_of(template, tokenizer, max_length, near, chosen)
    report = check_results.check(info, settings, progress("rows checked", info.rows)).to_dict()
    if json:
        emit(report)
        return
    print(f"{info.ref}: {report['flagged']:,} of {report['rows']:,} rows flagged")
    table(
        ["check", "rows", "first", "what to do"],
        [
            [check["label"], f"{check['rows']:,}", f"row {check['examples'][0]['row']}", check["remedy"]]
            for check in report["checks"]
            if check["rows"]
        ],
    )


def export(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    template: Annotated[str, typer.Option(help="Template to write the text in.")],
    out: Annotated[Path, typer.Option(help="File to write: .jsonl, .json, .csv or .parquet.")],
    tokenizer: Annotated[
        str | None, typer.Option(help="Model whose special tokens to write, not the format's.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only rows of this split.")] = None,
    keep_good: KeepGood = False,
    json: AsJson = False,
) -> None:
    """Write a dataset as rendered text."""
    report = export_dataset(store.get(name), template, out, tokenizer=tokenizer, split=split, keep_good=keep_good)
    if json:
        emit(report.to_dict())
        return
    print(f"{report.rows:,} rows written to {out}" + (f", {report.left_out:,} left out" if report.left_out else ""))
