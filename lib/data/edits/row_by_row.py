"""Changes that are worked out row by row in Python, and put into a table of new states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from lib import duck
from lib.data.columns import ROW_ID, Column, decode, encode
from lib.data.datasets import quoted
from lib.data.edits import overlay
from lib.data.edits.operations import Operation
from lib.data.edits.overlay import CHANGED, DELETED, STATE_COLUMNS
from lib.data.edits.proposals import Example, example
from lib.data.edits.working import WorkingCopy
from lib.progress import Progress

BATCH_ROWS = 2048


def propose_all(
    copy: WorkingCopy, connection: duckdb.DuckDBPyConnection, operation: Operation, progress: Progress | None
) -> tuple[Column, ...]:
    """Make the table `after` of the rows in `hits` that the operation changes; returns their edited columns.

    In batches: Python holds no more than one.

    Raises:
        BadInput, NotFound: see `example`.
    """
    connection.execute(f"CREATE TEMP TABLE proposed ({ROW_ID} BIGINT, deleted BOOLEAN, changes MAP(VARCHAR, VARCHAR))")
    total = connection.execute("SELECT count(*) FROM hits").fetchall()[0][0]
    touched: set[str] = set()
    done = 0
    for batch in rows_of(copy, connection):
        found = [one for row_id, row in batch if (one := example(operation, copy, row_id, row))]
        if found:
            connection.register("arrow", _table(found))
            connection.execute("INSERT INTO proposed SELECT * FROM arrow")
            connection.unregister("arrow")
            touched.update(*(one.values for one in found))
        done += len(batch)
        if progress:
            progress(done, total)
    columns = copy.known({*touched, *(column.name for column in copy.edited)})
    fields = {name: f"states.{name}" for name in STATE_COLUMNS}
    fields[DELETED] = f"states.{DELETED} OR proposed.deleted"
    fields[CHANGED] = f"list_sort(list_distinct(list_concat(states.{CHANGED}, map_keys(proposed.changes))))"
    fields |= {column.name: _new_value(column, column in copy.edited) for column in columns}
    listed = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in fields.items())
    connection.execute(f"CREATE TEMP TABLE after AS SELECT {listed} FROM states JOIN proposed USING ({ROW_ID})")
    connection.execute("DROP TABLE proposed")
    return columns


def _table(found: list[Example]) -> pa.Table:
    """Row ids, whether the row goes, and new values by column, each as JSON."""
    rows = [{ROW_ID: one.row_id, "deleted": one.after is None, "changes": list(_as_json(one.values))} for one in found]
    changes = pa.map_(pa.string(), pa.string())
    schema = pa.schema([(ROW_ID, pa.int64()), ("deleted", pa.bool_()), ("changes", changes)])
    return pa.Table.from_pylist(rows, schema=schema)


def _as_json(values: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    return zip(values, encode(list(values.values()), "json"), strict=True)


def _new_value(column: Column, edited: bool) -> str:
    """SQL for a column's new value: from the JSON of the proposal where it has one."""
    key = "'" + column.name.replace("'", "''") + "'"
    given = f"proposed.changes[{key}]"
    sql_type = overlay.SQL[column.kind]
    value = given if column.kind == "json" else f"CAST(json_extract_string({given}, '$') AS {sql_type})"
    old = f"states.{quoted(column.name)}" if edited else f"CAST(NULL AS {sql_type})"
    has = f"map_contains(proposed.changes, {key})"
    return f"CASE WHEN {has} THEN {value} ELSE {old} END"


def rows_of(copy: WorkingCopy, connection: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """The rows that were hit, in batches of (row id, values of the mapped columns)."""
    mapped = set(copy.mapping.columns.values())
    columns = [column for column in copy.columns if column.name in mapped]
    names = "".join(f"{quoted(column.name)}, " for column in columns)

    def read(values: list[Any]) -> dict[str, Any]:
        return {column.name: decode(value, column.kind) for column, value in zip(columns, values, strict=True)}

    with duck.cursor(connection) as cursor:
        cursor.execute(f"SELECT {names}{ROW_ID} FROM rows WHERE {ROW_ID} IN (FROM hits)")
        while cells := cursor.fetchmany(BATCH_ROWS):
            yield [(row_id, read(values)) for *values, row_id in cells]
