"""Edits of single rows, and the record of who changed what.

entry = edit(info, row_id=12, seq=0, who="ada", status="accepted")

Every edit names the row version (`seq`) that it was made on. Where the row has moved on it is refused with a
`Conflict` that shows what is there now. Entries are only ever added: taking back is an entry of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.data.datasets import DatasetInfo
from lib.data.edits.drafts import locked, present, put
from lib.data.edits.folding import fold_sometimes
from lib.data.edits.state import RowState, check_values, same_value
from lib.data.edits.working import WorkingCopy
from lib.database import Draft, JournalEntry
from lib.errors import WrongState


class Conflict(WrongState):
    """The row was changed since the edit was begun. `present` is its state now, `last` the entry that made it so."""

    def __init__(self, row_id: int, present: RowState, last: Entry | None) -> None:
        self.present, self.last = present, last
        by = f" by {last.who}" if last else ""
        super().__init__(f"Row {row_id} was changed{by} since you opened it.", "Look at both and choose.")


@dataclass(frozen=True)
class Entry:
    """One journal entry. `row_id`, `before` and `after` for one row; `predicate` and `file` for many, `rows` of them.

    `reverts`: the entry that an `undo` took back or a `redo` brought back. `kept`: rows of a change of many that stayed
    as they were because somebody edited them while it ran, or since what an undo takes back; of the latter the first
    thousand. `kept_count`: how many there are in all.
    """

    version: int
    seq: int
    at: float
    who: str
    action: str
    what: str
    rows: int
    row_id: int | None
    before: RowState | None
    after: RowState | None
    predicate: dict[str, Any] | None
    file: str | None
    kept: tuple[int, ...]
    kept_count: int
    reverts: int | None

    @classmethod
    def of(cls, entry: JournalEntry) -> Entry:
        before, after = (RowState.from_dict(state, 0) if state else None for state in (entry.before, entry.after))
        kept = entry.kept or {"rows": [], "count": 0}
        plain = (entry.version, entry.seq, entry.at, entry.who, entry.action, entry.what, entry.rows, entry.row_id)
        of_many = (entry.predicate, entry.file, tuple(kept["rows"]), kept["count"])
        return cls(*plain, before, after, *of_many, entry.reverts)


def edit(info: DatasetInfo, row_id: int, seq: int, who: str, *, what: str = "", **fields: Any) -> Entry | None:
    """Change fields of a row's state (see `RowState`), `values` column by column; None when nothing would change.

    Raises:
        Conflict: the row is not at version `seq` any more.
        NotFound: no such row.
        BadInput: an unknown status, split or column, a tag, note or value that cannot be stored.
        WrongState: the edits of this version were saved already.
    """
    saved: dict[str, Any] = {}
    if values := fields.pop("values", {}):
        bare = WorkingCopy(info)
        values = check_values(values, bare.full_columns)
        saved = bare.saved_values(row_id, values)
    with locked(info) as (opened, draft):
        before = present(opened, draft, info, row_id)
        if before.seq != seq:
            raise Conflict(row_id, before, last_of(opened, info, before.seq))
        now = {**saved, **before.values}
        after = before.changed(
            **fields, values={name: value for name, value in values.items() if not same_value(value, now[name])}
        )
        if after.same_as(before):
            return None
        entry = add_entry(opened, draft, who, "edit", what or described(before, after))
        entry.row_id, entry.before, entry.after = row_id, before.to_dict(), after.to_dict()
        put(opened, draft, {row_id: after})
        made = Entry.of(entry)
    fold_sometimes(info, made.seq)
    return made


def add_entry(opened: Session, draft: Draft, who: str, action: str, what: str) -> JournalEntry:
    """A new entry with the next number, under the lock."""
    draft.seq += 1
    entry = JournalEntry(
        dataset=draft.dataset,
        version=draft.version,
        seq=draft.seq,
        at=time.time(),
        who=who,
        action=action,
        what=what,
        rows=1,
    )
    opened.add(entry)
    return entry


def described(before: RowState, after: RowState) -> str:
    """The change in a few words."""
    words = []
    if before.deleted != after.deleted:
        words.append("deleted" if after.deleted else "restored")
    if before.status != after.status:
        words.append(f"{before.status} to {after.status}")
    if before.split != after.split:
        words.append(f"{before.split} to {after.split}")
    words += [f"tag {tag} added" for tag in after.tags if tag not in before.tags]
    words += [f"tag {tag} removed" for tag in before.tags if tag not in after.tags]
    if before.note != after.note:
        words.append("note written" if after.note else "note removed")
    edited = [
        name
        for name, value in after.values.items()
        if name not in before.values or not same_value(before.values[name], value)
    ]
    if edited:
        words.append(f"{', '.join(edited)} edited")
    return "; ".join(words)


def last_of(opened: Session, info: DatasetInfo, seq: int) -> Entry | None:
    """The entry of that number, under the lock."""
    query = select(JournalEntry).where(
        JournalEntry.dataset == info.name, JournalEntry.version <= info.version, JournalEntry.seq == seq
    )
    found = opened.scalar(query.order_by(JournalEntry.version.desc(), JournalEntry.id.desc()).limit(1))
    return Entry.of(found) if found else None
