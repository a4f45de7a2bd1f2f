"""States of edited rows as a table, and the files that keep many of them.

edits/<name>/v0001/overlay-00000012-<id>.parquet   the states of all rows edited up to entry 12
edits/<name>/v0001/change-<id>.parquet             what a bulk change did: states before (`_tandem_side` 0), after (1)

Columns: row id, sequence number, the fields of `RowState`, the names of the columns that were edited, and a column for
each column of the dataset that was edited in any row. An overlay is written before it is known which number its bulk
change will get: a row without a sequence number has that of the file's name. Of a change, the numbers mean nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lib import storage
from lib.data.columns import ARROW, INT64, NOTE, ROW_ID, SPLIT, STATUS, TAGS, Column, decode, encode
from lib.data.datasets import quoted
from lib.data.edits.state import RowState
from lib.errors import StorageError

SEQ, DELETED, CHANGED, SIDE = "_tandem_seq", "_tandem_deleted", "_tandem_changed", "_tandem_side"
BEFORE, AFTER = 0, 1
STATE_COLUMNS = (ROW_ID, SEQ, DELETED, SPLIT, STATUS, TAGS, NOTE, CHANGED)
SQL = {"text": "VARCHAR", "integer": "BIGINT", "float": "DOUBLE", "boolean": "BOOLEAN", "json": "VARCHAR"}
GROUP_ROWS = 16384  # reading one row costs the reading of a row group


def schema(edited: Iterable[Column]) -> pa.Schema:
    """The columns of a table of states, those of edited columns last."""
    fields = [
        (ROW_ID, pa.int64()),
        (SEQ, pa.int64()),
        (DELETED, pa.bool_()),
        (SPLIT, pa.string()),
        (STATUS, pa.string()),
        (TAGS, pa.list_(pa.string())),
        (NOTE, pa.string()),
        (CHANGED, pa.list_(pa.string())),
    ]
    return pa.schema(fields + [(column.name, ARROW[column.kind]) for column in edited])


def table_of(states: dict[int, RowState], edited: tuple[Column, ...]) -> pa.Table:
    """States by row id as a table."""
    rows = list(states.values())
    columns: list[pa.Array] = [
        pa.array(list(states), pa.int64()),
        pa.array([row.seq for row in rows], pa.int64()),
        pa.array([row.deleted for row in rows], pa.bool_()),
        pa.array([row.split for row in rows], pa.string()),
        pa.array([row.status for row in rows], pa.string()),
        pa.array([list(row.tags) for row in rows], pa.list_(pa.string())),
        pa.array([row.note for row in rows], pa.string()),
        pa.array([sorted(row.values) for row in rows], pa.list_(pa.string())),
    ]
    for column in edited:
        values = [row.values.get(column.name) for row in rows]
        columns.append(pa.array(encode(values, column.kind), ARROW[column.kind]))
    return pa.Table.from_arrays(columns, schema=schema(edited))


def state_of(cells: Sequence[Any], edited: Iterable[Column]) -> RowState:
    """The state that a row of such a table is; what comes after the edited columns is left aside."""
    _, seq, deleted, split, status, tags, note, changed = cells[: len(STATE_COLUMNS)]
    values = {
        column.name: decode(value, column.kind)
        for column, value in zip(edited, cells[len(STATE_COLUMNS) :], strict=False)
        if column.name in changed
    }
    return RowState(seq, deleted, split, status, tuple(tags), note, values)


def names_of(columns: Iterable[Column]) -> list[str]:
    """The columns of a table of states."""
    return [*STATE_COLUMNS, *(column.name for column in columns)]


def listed(columns: Iterable[str]) -> str:
    """Column names for a SELECT."""
    return ", ".join(quoted(name) for name in columns)


def listed_in(columns: tuple[Column, ...], have: Collection[str], relation: str) -> str:
    """The columns of a table of states for a SELECT from a relation; null where it does not have one."""
    types = {**dict.fromkeys((ROW_ID, SEQ), "BIGINT"), **{column.name: SQL[column.kind] for column in columns}}
    return ", ".join(
        f"{relation}.{quoted(name)}" if name in have else f"CAST(NULL AS {types[name]}) AS {quoted(name)}"
        for name in names_of(columns)
    )


def path_of(name: str, version: int, file: str) -> Path:
    return storage.edits_dir(name, version) / file


def new_name(seq: int) -> str:
    """A name for an overlay of the edits up to entry `seq` that no file had before."""
    return f"overlay-{seq:08d}-{uuid.uuid4().hex[:12]}.parquet"


def number_of(name: str) -> int:
    """The entry up to which an overlay goes."""
    return int(name.split("-")[1].partition(".")[0])


def columns_in(path: Path) -> list[str]:
    """The names of a file's edited columns.

    Raises:
        StorageError: the file is missing or damaged.
    """
    try:
        return [name for name in pq.read_schema(path).names[len(STATE_COLUMNS) :] if name != SIDE]
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path) from error


def can_be_id(row_id: int) -> bool:
    """Whether a number, perhaps from an address, fits where row ids are kept."""
    return 0 <= row_id < INT64


def rows_in(path: Path, row_id: int, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a Parquet file that have this id.

    Raises:
        StorageError: the file is missing or damaged.
    """
    if not can_be_id(row_id):
        return []
    try:
        found = pq.read_table(path, columns=columns, filters=[(ROW_ID, "=", row_id)], use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    return found.to_pylist()


def _unreadable(path: Path) -> StorageError:
    return StorageError(f"{path} cannot be read.", "Restore it from a backup.")


def _copy(connection: duckdb.DuckDBPyConnection, statement: str, path: Path) -> None:
    try:
        connection.execute(statement)
    except duckdb.IOException as error:
        reason = str(error).splitlines()[0]
        raise StorageError(f"{path} cannot be written: {reason}", "Free some space, then start again.") from error


def write(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    """Write a query's rows to a Parquet file that is there whole or not at all.

    Raises:
        StorageError: disk full, or a file that the query reads is damaged.
    """
    scratch = path.with_name(f".{path.name}.part")
    with storage.disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            target = str(scratch).replace("'", "''")
            options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS}"
            _copy(connection, f"COPY ({select}) TO '{target}' ({options})", path)
            with scratch.open("rb") as file:
                storage.sync(file)
            scratch.rename(path)
        finally:
            scratch.unlink(missing_ok=True)
