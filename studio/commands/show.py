"""show: a dataset's facts, and rows of it that match what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from lib.data import datasets as store
from lib.data.checks import results as check_results
from lib.data.edits import WorkingCopy
from lib.data.filters import OPERATORS, Query
from lib.data.mapping.reading import read_conversation
from lib.data.measures.files import What, stale
from lib.data.measures.measure import measure
from lib.data.splits.hashed import SPLITS
from lib.data.table import Table, TableRow
from lib.data.versions import present, review, unsaved
from lib.errors import BadInput
from lib.words import counted
from studio.commands.output import AsJson, emit, say, splits_line

WHERE = f"field:operator:value; repeatable. Operators: {', '.join(OPERATORS)}. A column is written .name."


def register(app: typer.Typer) -> None:
    app.command("show")(show)


@dataclass(frozen=True)
class Facts:
    """What the Curate page says of a version. `checks`: rows by check, None before the first check."""

    unsaved: int
    statuses: dict[str, int]
    tags: dict[str, int]
    checks: dict[str, int] | None

    @classmethod
    def of(cls, copy: WorkingCopy) -> Facts:
        found = check_results.summary(copy.info)
        checks = {check["name"]: check["rows"] for check in found["checks"]} if found else None
        states = review(copy)
        return cls(unsaved(copy.info), states.statuses, states.tags, checks)


def show(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    limit: Annotated[int, typer.Option(help="Rows to print.", min=0)] = 5,
    offset: Annotated[int, typer.Option(help="Matching rows to pass over.", min=0)] = 0,
    split: Annotated[str | None, typer.Option(help="Only rows of this split.")] = None,
    where: Annotated[list[str] | None, typer.Option(help=WHERE)] = None,
    search: Annotated[str, typer.Option(help="Only rows with this text, case aside.")] = "",
    sort: Annotated[str, typer.Option(help="Field to sort by, -field for descending.")] = "",
    tokenizer: Annotated[str, typer.Option(help="Model whose tokens are counted, for fields of tokens.")] = "",
    saved: Annotated[bool, typer.Option("--saved", help="As it was saved, without the edits since.")] = False,
    json: AsJson = False,
) -> None:
    """Show a dataset's facts and rows as conversations, with every edit that is not saved yet."""
    info = store.get(name)
    if split is not None and split not in SPLITS:
        raise BadInput(f"There is no split {split!r}.", f"Splits are {', '.join(SPLITS)}.")
    copy = WorkingCopy(info) if saved else present(info)
    conditions = [*(where or []), *([f"split:is:{split}"] if split else [])]
    table = Table(copy, Query.parse(conditions, search, sort, tokenizer))
    _measure(table)
    page = table.page(limit, offset)
    rows = [_row(row, copy) for row in page.rows]
    facts = Facts.of(copy)
    if json:
        emit({**info.to_dict(), **facts.__dict__, "matching": page.total, "conversations": rows})
        return
    print(f"{info.ref}: {info.rows:,} rows ({splits_line(info.splits)}), read as {info.label}")
    for line in _lines(facts):
        print(line)
    if page.total != info.rows:
        print(f"{page.total:,} match")
    for row in rows:
        _print(row)


def _measure(table: Table) -> None:
    """Measure what the query asks about, unless that was done."""
    query = table.query
    fields = {condition.field for condition in query.conditions} | ({query.sort} if query.sort else set())
    sources = {table.fields[field].source for field in fields}
    if "tokens" in sources and not query.tokenizer:
        raise BadInput("No model is named whose tokens to count.", "Add --tokenizer, such as --tokenizer starter.")
    wanted: list[What] = [what for what in ("texts", "tokens") if what in sources]
    for what in wanted:
        model = query.tokenizer if what == "tokens" else ""
        if stale(table.copy, what, model):
            measure(table.copy, what, model, lambda done, total: say(f"{done:,} of {total:,} rows measured"))


def _row(row: TableRow, copy: WorkingCopy) -> dict[str, Any]:
    """A row for `--json`. Where its columns cannot be read `messages` is empty and `problem` says why."""
    try:
        read = read_conversation(row.values, copy.mapping).to_dict()
    except BadInput as error:
        read = {"messages": [], "problem": error.message}
    state = row.state
    return {
        "row": row.row_id,
        **read,
        "split": state.split,
        "status": state.status,
        "tags": list(state.tags),
        "note": state.note,
        "edited": state.seq > 0,
        "checks": list(row.flags),
    }


def _lines(facts: Facts) -> list[str]:
    lines = ["status: " + ", ".join(f"{status} {rows:,}" for status, rows in facts.statuses.items())]
    if facts.tags:
        lines.append("tags: " + ", ".join(f"{tag} {rows:,}" for tag, rows in facts.tags.items()))
    if facts.checks is not None:
        flagged = ", ".join(f"{check} {rows:,}" for check, rows in facts.checks.items() if rows)
        lines.append(f"checks: {flagged or 'nothing found'}")
    if facts.unsaved:
        lines.append(f"{counted(facts.unsaved, 'row')} with unsaved edits")
    return lines


def _print(row: dict[str, Any]) -> None:
    marks = [row["split"], row["status"], *row["tags"], *(f"check: {check}" for check in row["checks"])]
    print(f"\n--- row {row['row']} ({', '.join(marks)})")
    for message in row["messages"]:
        context = f"\n[input] {message['context']}" if message.get("context") else ""
        print(f"{message['role']}: {message['content']}{context}")
    if "problem" in row:
        print(f"cannot be read: {row['problem']}")
    if row["note"]:
        print(f"note: {row['note']}")
