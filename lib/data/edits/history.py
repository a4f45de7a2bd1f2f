"""What was done to a version and to one of its rows: who, when, before and after."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from lib.data.datasets import DatasetInfo, DatasetRef, get
from lib.data.edits import overlay
from lib.data.edits.journal import Entry
from lib.data.edits.overlay import AFTER, BEFORE, SIDE
from lib.data.edits.state import RowState
from lib.data.edits.working import WorkingCopy
from lib.data.lineage import lineage
from lib.database import JournalEntry, session

LIMIT = 200  # entries


def entries(info: DatasetInfo, limit: int = LIMIT) -> list[Entry]:
    """What was done to this version's working copy, newest first."""
    query = select(JournalEntry).where(JournalEntry.dataset == info.name, JournalEntry.version == info.version)
    with session() as opened:
        return [Entry.of(entry) for entry in opened.scalars(query.order_by(JournalEntry.seq.desc()).limit(limit))]


def history(info: DatasetInfo, row_id: int) -> list[Entry]:
    """What was done to a row in this version and those of its dataset that its rows came from, newest first.

    Entries of bulk changes come with the row's own states before and after. Of these, and of the others, the newest
    two hundred are looked at.

    Raises:
        StorageError: the file of a change is missing or damaged.
    """
    if not overlay.can_be_id(row_id):
        return []
    versions = [step.version for step in lineage(info) if step.name == info.name]
    query = select(JournalEntry).where(JournalEntry.dataset == info.name, JournalEntry.version.in_(versions))
    one = query.where(JournalEntry.row_id == row_id).order_by(JournalEntry.id.desc()).limit(LIMIT)
    many = query.where(JournalEntry.file.is_not(None)).order_by(JournalEntry.id.desc()).limit(LIMIT)
    with session() as opened:
        single = [Entry.of(entry) for entry in opened.scalars(one)]
        bulk = [Entry.of(entry) for entry in opened.scalars(many)]
    bare = {version: WorkingCopy(get(DatasetRef(info.name, version))) for version in {entry.version for entry in bulk}}
    found = [*single, *(entry for whole in bulk if (entry := _of_row(bare[whole.version], whole, row_id)))]
    return sorted(found, key=lambda entry: (entry.at, entry.seq), reverse=True)


def _of_row(bare: WorkingCopy, entry: Entry, row_id: int) -> Entry | None:
    """A bulk change as one row saw it: its states before and after; None when it left the row alone."""
    if row_id in entry.kept or entry.file is None:
        return None
    path = overlay.path_of(bare.info.name, entry.version, entry.file)
    sides: dict[int, RowState] = {}
    for cells in overlay.rows_in(path, row_id):
        state = overlay.state_of(list(cells.values()), bare.known(overlay.columns_in(path)))
        sides[cells[SIDE]] = replace(state, seq=0)
    if not sides:
        return None
    return replace(entry, row_id=row_id, before=sides[BEFORE], after=sides[AFTER])
