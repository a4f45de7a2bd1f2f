"""import, datasets, check."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lib.data import datasets as store
from lib.data.checks import CHECKS
from lib.data.checks import results as check_results
from lib.data.edits import open_copy
from lib.data.imports.importer import TEST_FRACTION, import_source
from lib.data.lint import LintSettings
from lib.data.lint.run import lint
from lib.data.mapping.roles import ROLES, Mapping
from lib.data.sources.sniff import READABLE
from lib.database import note
from lib.formats.templates import TEMPLATES
from lib.settings import settings
from lib.words import counted
from studio.commands.output import AsJson, emit, progress, say, say_if_empty, splits_line, table

SOURCE_HELP = f"A file or a folder ({READABLE}), or a Hub id (owner/name@revision:split)."
MAP_HELP = f"Which column is what: role=column; repeatable. Roles: {', '.join(ROLES)}."
ONLY_HELP = f"Run this check only; repeatable. Checks: {', '.join(CHECKS)}."
TAGS_HELP = f"Look for the tags of this template only: {', '.join(TEMPLATES)}, or a saved one."
KeepGood = Annotated[bool, typer.Option("--keep-good", help="Leave out the rows that cannot be used; report them.")]


def register(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command("datasets")(datasets)
    app.command("check")(check)


def import_(
    source: Annotated[str, typer.Argument(help=SOURCE_HELP)],
    name: Annotated[str, typer.Option(help="Name of the dataset in the studio.")],
    map: Annotated[list[str] | None, typer.Option(help=MAP_HELP)] = None,
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
            settings.user, f"imported {report.name}@{report.version}, {report.rows:,} rows", f"datasets?dataset={name}"
        )
    if json:
        emit(report.to_dict())
        return
    kept = f"{counted(report.rows, 'row')} kept, {report.refused:,} refused"
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
    say_if_empty(infos, "dataset")
    if json:
        emit({"datasets": [info.to_dict() for info in infos]})
        return
    table(
        ["name", "version", "rows", "splits", "read as"],
        [[info.name, info.version, f"{info.rows:,}", splits_line(info.splits), info.label] for info in infos],
    )


def check(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    template: Annotated[str | None, typer.Option(help=TAGS_HELP)] = None,
    tokenizer: Annotated[str | None, typer.Option(help="Model whose tokens are counted.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Longest row in tokens (with --tokenizer).", min=1)] = None,
    escape: Annotated[bool, typer.Option("--escape", help="Write marks of the template inside texts escaped.")] = False,
    near: Annotated[float, typer.Option(help="Share of words from which rows are near-duplicates.")] = 0.8,
    only: Annotated[list[str] | None, typer.Option(help=ONLY_HELP)] = None,
    json: AsJson = False,
) -> None:
    """Look for duplicates, cut answers, personal data and other faults; changes nothing.

    With --template and --tokenizer also for what these two make of each row: its tokens, ends, marks and length.
    """
    info = store.get(name)

    chosen = frozenset(only) if only else None
    settings = check_results.settings_of(template, tokenizer, max_length, near, chosen)
    report = check_results.check(info, settings, progress("rows checked", info.rows)).to_dict()
    linted = None
    if template and tokenizer and not only:
        lint_settings = LintSettings(template, tokenizer, max_length, escape)
        linted = lint(open_copy(info), lint_settings, progress("rows rendered", info.rows))
    if json:
        emit({**report, "lint": linted} if linted else report)
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
    if linted:
        _print_lint(linted)


def _print_lint(found: dict[str, Any]) -> None:
    settings = found["settings"]
    print(
        f"\nWritten as {settings['template']} for {settings['model']}: {found['tokens']:,} tokens in "
        f"{found['rows'] - found['left_out']:,} rows, {found['left_out']:,} left out"
    )
    table(
        ["finding", "rows", "first", "what to do"],
        [
            [kind["label"], f"{kind['rows']:,}" if kind["rows"] else "the model", _first(kind), kind["remedy"]]
            for kind in found["kinds"]
            if kind["found"]
        ],
    )
    if settings["max_length"]:
        print(f"\nRows of more than {settings['max_length']:,} tokens (--set long_rows=…):")
        table(
            ["long_rows", "rows out", "cut", "left out", "tokens lost", "to learn lost"],
            [
                [name, *(f"{effect[key]:,}" for key in ("made", "cut", "dropped", "tokens_lost", "trained_lost"))]
                for name, effect in found["effects"].items()
            ],
        )


def _first(kind: dict[str, Any]) -> str:
    return f"row {kind['examples'][0]['row']}" if kind["examples"] else ""
