"""Changes of many rows at once: stored as a predicate and the version it was asked of, never as positions.

entry = change_all(info, Query.parse(["flag:is:mojibake"]), Operation("mend", "mojibake"), who="ada")
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from lib.data.checks import results
from lib.data.columns import ROW_ID, SPLIT
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits import overlay
from lib.data.edits.commit import Record, Worked, commit
from lib.data.edits.drafts import open_copy
from lib.data.edits.journal import Entry
from lib.data.edits.operations import SQL, Operation
from lib.data.edits.overlay import DELETED, SEQ, names_of
from lib.data.edits.proposals import Example, example
from lib.data.edits.row_by_row import propose_all, rows_of
from lib.data.edits.working import WorkingCopy
from lib.data.filters import Condition, Query
from lib.data.lint import results as lint_results
from lib.data.splits.hashed import SPLITS
from lib.data.table import Table
from lib.errors import BadInput
from lib.progress import Progress

PREVIEW_SECONDS = 2.0
REPEATS = ("exact_duplicate", "near_duplicate")  # their mend deletes the row: only while its like is there


@dataclass(frozen=True)
class Preview:
    """`matching` rows, of which `seen` were looked at and `changing` would change; `examples` of those."""

    matching: int
    seen: int
    changing: int
    examples: tuple[Example, ...]


def change_all(
    info: DatasetInfo, query: Query, operation: Operation, who: str, progress: Progress | None = None
) -> Entry | None:
    """Do something to every row that matches; None when nothing would change.

    Raises:
        BadInput: the query or the operation does not fit the dataset.
        WrongState: the edits of this version were saved already, or others keep changing many rows.
    """
    query = _narrowed(query, operation)
    words = query.words()
    what = f"{operation.label}, where {words}" if words else f"{operation.label}, all rows"
    predicate = {"query": query.to_dict(), "operation": operation.to_dict()}

    def work_out(copy: WorkingCopy, connection: duckdb.DuckDBPyConnection) -> Worked:
        _find(Table(copy, query), connection, operation)
        if operation.kind in SQL:
            return _set_all(copy, connection, operation)
        return Worked(propose_all(copy, connection, operation, progress))

    return commit(info, work_out, Record(who, "bulk", what, predicate))


def _find(table: Table, connection: duckdb.DuckDBPyConnection, operation: Operation) -> None:
    """Make the table `hits` of the rows that match, for a replacement only those that may hold the text."""
    table.join_files(connection)
    condition, parameters = table.condition()
    tests = [f"({condition})"]
    if operation.kind == "replace" and (text := operation.plain_text):
        mapped = [column for column in table.copy.columns if column.name in table.copy.mapping.columns.values()]
        if all(column.kind in ("text", "json") for column in mapped):
            holding = (f"contains(lower(rows.{quoted(column.name)}), lower(?))" for column in mapped)
            tests.append(f"({' OR '.join(holding)})")
            parameters = [*parameters, *[text] * len(mapped)]
    if operation.kind == "mend" and operation.value in REPEATS:
        tests.append(_still_repeated(int((results.summary(table.copy.info) or {}).get("seq", 0))))
        parameters = [*parameters, operation.value]
    if operation.kind == "lint-mend":
        test, values = lint_results.may_have(table.copy, operation.lint_settings(), operation.value)
        tests.append(test)
        parameters = [*parameters, *values]
    connection.execute(
        f"CREATE TABLE hits AS SELECT rows.{ROW_ID} FROM {table.source()} WHERE {' AND '.join(tests)}", parameters
    )


def _still_repeated(seq: int) -> str:
    """SQL test of rows that repeat another one which is still there, neither of them touched since the check."""
    return f"""rows.{SEQ} <= {seq} AND rows.{ROW_ID} IN (SELECT flags.row_id FROM flags
        JOIN rows AS first ON first.{ROW_ID} = flags."group"
        WHERE flags."check" = ? AND flags.row_id <> flags."group" AND NOT first.{DELETED} AND first.{SEQ} <= {seq})"""


def preview(info: DatasetInfo, query: Query, operation: Operation, limit: int = 20) -> Preview:
    """What `change_all` would do, with examples; for changes worked out row by row it looks for two seconds at most.

    Raises:
        BadInput: the query or the operation does not fit the dataset.
    """
    query = _narrowed(query, operation)
    copy = open_copy(info)
    with copy.connect() as connection:
        _find(Table(copy, query), connection, operation)
        matching = int(connection.execute("SELECT count(*) FROM hits").fetchall()[0][0])
        if operation.kind in SQL:
            _set_all(copy, connection, operation)
            changing = connection.execute("SELECT count(*) FROM after").fetchall()[0][0]
            return Preview(matching, matching, int(changing), ())
        seen, changing = 0, 0
        examples: list[Example] = []
        deadline = time.monotonic() + PREVIEW_SECONDS
        for batch in rows_of(copy, connection):
            for row_id, row in batch:
                found = example(operation, copy, row_id, row)
                changing += found is not None
                if found and len(examples) < limit:
                    examples.append(found)
            seen += len(batch)
            if time.monotonic() > deadline:
                break
        return Preview(matching, seen, changing, tuple(examples))


def _narrowed(query: Query, operation: Operation) -> Query:
    """A check's mends are for the rows that it flags."""
    return query.adding(Condition("flag", "is", operation.value)) if operation.kind == "mend" else query


def set_splits(info: DatasetInfo, splits: pa.Table, who: str, what: str, predicate: dict[str, Any]) -> Entry | None:
    """Give rows other splits: a table of `_row_id`, each once, and `_split`. Rows that are not there are passed over.

    Raises:
        BadInput: a split that is not known, or a row that is given twice.
        WrongState: the edits of this version were saved already, or others keep changing many rows.
    """
    unknown = set(splits.column(SPLIT).unique().to_pylist()) - set(SPLITS)
    if unknown or len(splits.column(ROW_ID).unique()) != len(splits):
        raise BadInput("The splits cannot be used.", f"Give each row once, with one of: {', '.join(SPLITS)}.")

    def work_out(copy: WorkingCopy, connection: duckdb.DuckDBPyConnection) -> Worked:
        connection.register("assigned", splits)
        others = overlay.listed(name for name in names_of(copy.edited) if name != SPLIT)
        connection.execute(f"""CREATE TEMP TABLE after AS SELECT {others}, assigned.{SPLIT}
            FROM states JOIN assigned USING ({ROW_ID})""")
        return Worked(copy.edited)

    return commit(info, work_out, Record(who, "split", what, predicate))


def _set_all(copy: WorkingCopy, connection: duckdb.DuckDBPyConnection, operation: Operation) -> Worked:
    """Make the table `after` of the states of the rows that were hit, with one column set."""
    target, expression = SQL[operation.kind]
    columns = overlay.listed(names_of(copy.edited))
    parameters = [operation.value.strip()] if "?" in expression else []
    connection.execute(
        f"""CREATE TEMP TABLE after AS SELECT * REPLACE ({expression} AS {target})
            FROM (SELECT {columns} FROM states WHERE {ROW_ID} IN (FROM hits)) AS states
            WHERE states.{target} IS DISTINCT FROM {expression}""",
        parameters * 2,
    )
    return Worked(copy.edited)
