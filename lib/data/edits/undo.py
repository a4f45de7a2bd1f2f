"""Taking an edit back, and bringing it back again: each an entry of its own in the journal.

undo(info, who="ada")          takes back Ada's last edit of this version, of one row or of many
redo(info, who="ada")
undo(info, who="ada", seq=7)   takes back that one, whoever made it

An edit and its undos and redos are a chain. What the last of them did is what the next takes back: a row is changed
back only where it is still as that one left it. The other rows are counted and named in `Entry.kept`.
"""

from __future__ import annotations

from bisect import insort

import duckdb
from sqlalchemy import or_, select

from lib.data.columns import ROW_ID
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits import overlay
from lib.data.edits.commit import Record, Worked, commit
from lib.data.edits.drafts import locked, present, put
from lib.data.edits.folding import fold_sometimes
from lib.data.edits.journal import Conflict, Entry, add_entry, last_of
from lib.data.edits.overlay import AFTER, BEFORE, SEQ, SIDE, listed_in, names_of
from lib.data.edits.working import WorkingCopy
from lib.database import JournalEntry, session
from lib.errors import NotFound, WrongState

DEPTH = 1000  # entries that are looked at for one to undo or redo
NAMED = 1000  # rows left alone that an entry names; the others it only counts


def undo(info: DatasetInfo, who: str, seq: int | None = None) -> Entry:
    """Take back entry `seq`, or the last that `who` made and that is not taken back. Of an undo this is a redo.

    Raises:
        WrongState: there is nothing to take back, or every row of it was changed since (a `Conflict` for one row).
        NotFound: no such entry.
    """
    if seq is None:
        done, _ = _stacks(info, who)
        if not done:
            raise WrongState("There is nothing of yours to undo.", "Edits of others can be undone in the history.")
        seq = done[-1]
    entry = _entry(info, seq)
    last = _last(info, entry.reverts or seq)
    in_force = last.action != "undo"
    if in_force == (entry.action == "undo"):
        raise WrongState(f"Edit {seq} was taken back already.", "Look at the history.")
    return _revert(info, last, who, "redo" if entry.action == "undo" else "undo")


def redo(info: DatasetInfo, who: str) -> Entry:
    """Bring back what `who` last took back, if they did nothing else since.

    Raises:
        WrongState: there is nothing to bring back, or every row of it was changed since (a `Conflict` for one row).
    """
    _, undone = _stacks(info, who)
    if not undone:
        raise WrongState("There is nothing of yours to redo.", "Undo something first.")
    return _revert(info, _last(info, undone[-1]), who, "redo")


def undoable(info: DatasetInfo, who: str) -> Entry | None:
    """The entry that `undo` would take back."""
    done, _ = _stacks(info, who)
    return _entry(info, done[-1]) if done else None


def redoable(info: DatasetInfo, who: str) -> Entry | None:
    """The entry that `redo` would bring back."""
    _, undone = _stacks(info, who)
    return _entry(info, undone[-1]) if undone else None


def _stacks(info: DatasetInfo, who: str) -> tuple[list[int], list[int]]:
    """Numbers of the edits that `who` can undo and redo, the next one last. A new edit empties the second.

    What others take back or bring back is taken into account.
    """
    query = (
        select(JournalEntry.seq, JournalEntry.who, JournalEntry.action, JournalEntry.reverts)
        .where(JournalEntry.dataset == info.name, JournalEntry.version == info.version)
        .where(or_(JournalEntry.who == who, JournalEntry.reverts.is_not(None)))
    )
    with session() as opened:
        newest = opened.execute(query.order_by(JournalEntry.seq.desc()).limit(DEPTH)).all()
    done: list[int] = []
    undone: list[int] = []
    own: set[int] = set()
    for seq, by, action, root in reversed(newest):
        if root is None:
            own.add(seq)
            done.append(seq)
            undone.clear()
            continue
        source, target = (done, undone) if action == "undo" else (undone, done)
        if root in source:
            source.remove(root)
        if by == who:
            target.append(root)
        elif root in own and target is done:
            insort(done, root)
    return done, undone


def _entry(info: DatasetInfo, seq: int) -> Entry:
    query = select(JournalEntry).where(JournalEntry.dataset == info.name, JournalEntry.version == info.version)
    with session() as opened:
        found = opened.scalar(query.where(JournalEntry.seq == seq))
        if found is None:
            raise NotFound(f"{info.ref} has no edit {seq}.", "Open its history and choose one.")
        return Entry.of(found)


def _last(info: DatasetInfo, root: int) -> Entry:
    """The last entry of the chain that begins with edit `root`."""
    query = select(JournalEntry.seq).where(JournalEntry.dataset == info.name, JournalEntry.version == info.version)
    with session() as opened:
        last = opened.scalar(query.where(JournalEntry.reverts == root).order_by(JournalEntry.seq.desc()).limit(1))
    return _entry(info, last or root)


def _revert(info: DatasetInfo, last: Entry, who: str, action: str) -> Entry:
    """Take back what the last entry of a chain did."""
    root = last.reverts or last.seq
    record = Record(who, action, f"{action}: {_entry(info, root).what}", reverts=root)
    if last.row_id is not None:
        return _revert_row(info, last, record)
    result = commit(info, lambda copy, connection: _revert_all(copy, connection, last), record)
    if result is None:
        raise WrongState("Every row of that change was changed again since.", "Look at the rows one by one.")
    return result


def _revert_row(info: DatasetInfo, last: Entry, record: Record) -> Entry:
    row_id, before, after = last.row_id, last.before, last.after
    assert row_id is not None and before is not None and after is not None
    with locked(info) as (opened, draft):
        now = present(opened, draft, info, row_id)
        if not now.same_as(after):
            raise Conflict(row_id, now, last_of(opened, info, now.seq))
        entry = add_entry(opened, draft, record.who, record.action, record.what)
        entry.row_id, entry.before, entry.after = row_id, now.to_dict(), before.to_dict()
        entry.reverts = record.reverts
        put(opened, draft, {row_id: before})
        made = Entry.of(entry)
    fold_sometimes(info, made.seq)
    return made


def _revert_all(copy: WorkingCopy, connection: duckdb.DuckDBPyConnection, last: Entry) -> Worked:
    """Rows that are as a change left them become as it found them."""
    path = overlay.path_of(copy.info.name, last.version, last.file or "")
    connection.from_parquet(str(path)).create_view("done")
    in_file = [*overlay.STATE_COLUMNS, *overlay.columns_in(path)]
    columns = copy.known({*in_file, *names_of(copy.edited)})
    in_states = names_of(copy.edited)
    same = " AND ".join(
        f"{_or_null('states', name, in_states)} IS NOT DISTINCT FROM {_or_null('left_as', name, in_file)}"
        for name in names_of(columns)
        if name not in (ROW_ID, SEQ)
    )
    never_changed = "SELECT unnest(?::BIGINT[])"
    connection.execute(
        f"""CREATE TEMP TABLE found AS SELECT {ROW_ID}, {same} AS same FROM states JOIN
            (SELECT * FROM done WHERE {SIDE} = {AFTER} AND {ROW_ID} NOT IN ({never_changed})) AS left_as
            USING ({ROW_ID})""",
        [list(last.kept)],
    )
    connection.execute(f"""CREATE TEMP TABLE after AS SELECT {listed_in(columns, in_file, "done")}
        FROM done WHERE {SIDE} = {BEFORE} AND {ROW_ID} IN (SELECT {ROW_ID} FROM found WHERE same)""")
    left = connection.execute(f"SELECT {ROW_ID} FROM found WHERE NOT same ORDER BY ALL LIMIT {NAMED}").fetchall()
    count = connection.execute("SELECT count(*) FROM found WHERE NOT same").fetchall()[0][0]
    return Worked(columns, tuple(row_id for (row_id,) in left), int(count))


def _or_null(relation: str, name: str, have: list[str]) -> str:
    return f"{relation}.{quoted(name)}" if name in have else "NULL"
