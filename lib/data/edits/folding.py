"""The states of edited rows gathered in one file, and the sweeping of files that nobody needs any more."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import duckdb
from sqlalchemy import select

from lib import storage
from lib.data.columns import ROW_ID
from lib.data.datasets import DatasetInfo
from lib.data.edits import drafts, overlay
from lib.data.edits.overlay import AFTER, SEQ, SIDE, STATE_COLUMNS, listed, listed_in, names_of
from lib.data.edits.working import WorkingCopy
from lib.database import Draft, JournalEntry, session
from lib.errors import StudioError

FOLD_EVERY = 1000  # entries; opening a copy reads about as many states from the database at most
KEPT_SECONDS = 3600  # a file stays so long for those who are reading or about to name it


def fold_sometimes(info: DatasetInfo, seq: int) -> None:
    """Fold after every thousandth entry. What may go wrong is nothing to the edit before it."""
    if seq % FOLD_EVERY == 0:
        with contextlib.suppress(StudioError):
            fold(info)


def fold(info: DatasetInfo) -> None:
    """Gather the states of all edited rows in a new file; given up where somebody else does so."""
    copy = drafts.open_copy(info)
    if not copy.edits or copy.saved_as:
        return
    with copy.connect() as connection:
        path = write_overlay(connection, copy)
    with drafts.locked(info) as (opened, draft):
        if draft.overlay == copy.overlay:
            drafts.fold(opened, draft, path.name, until=copy.seq)
    sweep(info, copy.overlay)


def write_overlay(connection: duckdb.DuckDBPyConnection, copy: WorkingCopy, change: Path | None = None) -> Path:
    """Write the states of all edited rows, those of a change as it leaves them, to a new file: not in force yet."""
    names, rows = names_of(copy.edited), f"SELECT {listed(names_of(copy.edited))} FROM changes"
    if change is not None:
        connection.from_parquet(str(change)).create_view("change")
        of_change = [*STATE_COLUMNS, *overlay.columns_in(change)]
        columns = copy.known({*names, *of_change})
        old = listed_in(columns, names, "changes")
        new = listed_in(columns, [name for name in of_change if name != SEQ], "change")  # the number is not known yet
        rows = f"""SELECT {old} FROM changes WHERE {ROW_ID} NOT IN (SELECT {ROW_ID} FROM change)
            UNION ALL SELECT {new} FROM change WHERE {SIDE} = {AFTER}"""
    path = overlay.path_of(copy.info.name, copy.info.version, overlay.new_name(copy.seq))
    overlay.write(connection, f"SELECT * FROM ({rows}) ORDER BY {ROW_ID}", path)
    return path


def sweep(info: DatasetInfo, replaced: str | None) -> None:
    """Remove files that were replaced, or left by processes that died, some time ago; `replaced` was just now."""
    folder = storage.edits_dir(info.name, info.version)
    query = select(JournalEntry.file).where(JournalEntry.dataset == info.name, JournalEntry.version == info.version)
    with session() as opened:
        draft = opened.get(Draft, (info.name, info.version))
        needed = {draft.overlay if draft else None, *opened.scalars(query.where(JournalEntry.file.is_not(None)))}
    old = time.time() - KEPT_SECONDS
    with contextlib.suppress(OSError):
        if replaced:
            (folder / replaced).touch()
        for path in [*folder.glob("*.parquet"), *folder.glob(".*.part")]:
            if path.name not in needed and path.stat().st_mtime < old:
                path.unlink()
