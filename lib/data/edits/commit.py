"""How changes of many rows come into force, and what they leave on record.

    work out     the new states, from a snapshot and without a lock; the change goes to a file
    gather       many states go to a new overlay, few are read back to be stored one by one
    put in force under the lock, in an instant: the journal gets its entry, the draft names the new overlay

So a process that dies leaves everything as it was, but for files that are swept later. A row that somebody edited in
between keeps that edit; the entry names it. Where another change of many rows came in between, all is done anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow.parquet as pq
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from lib.data.columns import ROW_ID, Column
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits import overlay
from lib.data.edits.drafts import fold as fold_into
from lib.data.edits.drafts import locked, open_copy, put
from lib.data.edits.folding import sweep, write_overlay
from lib.data.edits.journal import Entry, add_entry
from lib.data.edits.overlay import AFTER, BEFORE, SEQ, SIDE, listed, listed_in, names_of
from lib.data.edits.state import RowState
from lib.data.edits.working import WorkingCopy
from lib.database import JournalEntry, RowEdit
from lib.errors import StudioError, WrongState

ATTEMPTS = 20
FEW = 500  # rows whose states go to the database, so that no overlay is written for them
MANY = 2000  # states in the database from which on they are gathered all the same


@dataclass(frozen=True)
class Record:
    """What the journal says of a change: who did what, and as what it can be done again or taken back."""

    who: str
    action: str
    what: str
    predicate: dict[str, Any] | None = None
    reverts: int | None = None


@dataclass(frozen=True)
class Worked:
    """What was worked out into the table `after`: states with these edited columns.

    `left`: rows that were to be changed but were not, the first of `left_count`.
    """

    columns: tuple[Column, ...]
    left: tuple[int, ...] = ()
    left_count: int = 0


WorkOut = Callable[[WorkingCopy, duckdb.DuckDBPyConnection], Worked]


class _OvertakenError(Exception):
    """Another change of many rows came first."""


@dataclass(frozen=True)
class _Change:
    """A change that was worked out on `copy`: its file of `rows` rows, and their states as `gathered` or as `few`."""

    copy: WorkingCopy
    worked: Worked
    file: Path
    rows: int
    gathered: Path | None
    few: dict[int, RowState]


def commit(info: DatasetInfo, work_out: WorkOut, record: Record) -> Entry | None:
    """Put new states into force that `work_out` writes to the table `after`; None when nothing would change.

    Raises:
        WrongState: the edits of this version were saved already, or others keep changing many rows.
        StorageError: disk full.
    """
    for _ in range(ATTEMPTS):
        change = _prepare(info, work_out)
        if change is None:
            return None
        try:
            entry = _put_in_force(info, change, record)
        except (_OvertakenError, WrongState) as error:
            for path in (change.file, change.gathered):
                if path:
                    path.unlink(missing_ok=True)
            if isinstance(error, WrongState):
                raise
            continue
        with contextlib.suppress(StudioError):
            sweep(info, change.copy.overlay if change.gathered else None)
        return entry
    raise WrongState(f"Others keep changing many rows of {info.ref}.", "Wait for them, then start again.")


def _prepare(info: DatasetInfo, work_out: WorkOut) -> _Change | None:
    copy = open_copy(info)
    file = overlay.path_of(info.name, info.version, f"change-{uuid4().hex}.parquet")
    try:
        with copy.connect() as connection:
            worked = work_out(copy, connection)
            rows = _write_change(connection, copy, worked.columns, file)
            if not rows:
                return None
            many = rows > FEW or rows + len(copy.edits) > MANY
            gathered = write_overlay(connection, copy, file) if many else None
            few = {} if gathered else _read_states(file, worked.columns)
            return _Change(copy, worked, file, rows, gathered, few)
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _write_change(
    connection: duckdb.DuckDBPyConnection, copy: WorkingCopy, columns: tuple[Column, ...], path: Path
) -> int:
    """Write the rows of `after` that differ from their states, with those; returns how many there are."""
    names = names_of(columns)
    before = listed_in(columns, names_of(copy.edited), "states")
    differ = " OR ".join(
        f"old.{quoted(name)} IS DISTINCT FROM after.{quoted(name)}" for name in names if name not in (ROW_ID, SEQ)
    )
    connection.execute(f"""CREATE TEMP TABLE old AS SELECT {before} FROM states
        WHERE {ROW_ID} IN (SELECT {ROW_ID} FROM after)""")
    connection.execute(f"""CREATE TEMP TABLE differing AS SELECT after.{ROW_ID} FROM after JOIN old
        ON old.{ROW_ID} = after.{ROW_ID} WHERE {differ}""")
    rows = int(connection.execute("SELECT count(*) FROM differing").fetchall()[0][0])
    if rows:
        sides = (
            f"SELECT {listed(names)}, {side} AS {SIDE} FROM {table} WHERE {ROW_ID} IN (FROM differing)"
            for table, side in (("old", BEFORE), ("after", AFTER))
        )
        overlay.write(connection, f"{' UNION ALL '.join(sides)} ORDER BY {ROW_ID}, {SIDE}", path)
    return rows


def _read_states(change: Path, columns: tuple[Column, ...]) -> dict[int, RowState]:
    """The states that a change leaves, by row id."""
    rows = pq.read_table(change, filters=[(SIDE, "=", AFTER)]).to_pylist()
    return {row[ROW_ID]: overlay.state_of(list(row.values()), columns) for row in rows}


def _put_in_force(info: DatasetInfo, change: _Change, record: Record) -> Entry:
    with locked(info) as (opened, draft):
        copy = change.copy
        if draft.overlay != copy.overlay or _has_later_bulk(opened, copy):
            raise _OvertakenError
        kept = _edited_since(opened, change)
        entry = add_entry(opened, draft, record.who, record.action, record.what)
        entry.rows, entry.file = change.rows - len(kept), change.file.name
        entry.predicate, entry.reverts = record.predicate, record.reverts
        left = {"rows": [*kept, *change.worked.left], "count": len(kept) + change.worked.left_count}
        entry.kept = left if left["count"] else None
        if change.gathered:
            file = change.gathered.with_name(overlay.new_name(draft.seq))
            change.gathered.rename(file)
            fold_into(opened, draft, file.name, until=copy.seq)
        else:
            put(opened, draft, {row_id: state for row_id, state in change.few.items() if row_id not in kept})
        return Entry.of(entry)


def _has_later_bulk(opened: Session, copy: WorkingCopy) -> bool:
    info = copy.info
    of_version = (JournalEntry.dataset == info.name, JournalEntry.version == info.version)
    return bool(
        opened.scalar(select(exists().where(*of_version, JournalEntry.seq > copy.seq, JournalEntry.file.is_not(None))))
    )


def _edited_since(opened: Session, change: _Change) -> list[int]:
    """Rows of the change that somebody edited since it was begun: those edits stay in force."""
    info = change.copy.info
    of_version = (RowEdit.dataset == info.name, RowEdit.version == info.version)
    later = opened.scalars(select(RowEdit.row_id).where(*of_version, RowEdit.seq > change.copy.seq)).all()
    if not later:
        return []
    found = pq.read_table(change.file, columns=[ROW_ID], filters=[(ROW_ID, "in", later), (SIDE, "=", AFTER)])
    return sorted(found.column(ROW_ID).to_pylist())
