"""What the buttons and keys of the row table do, as callbacks: they run before the page is drawn again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.data.edits import Conflict, Entry, edit
from lib.data.edits import job as bulk_job
from lib.data.edits.bulk import change_all
from lib.data.edits.operations import Operation
from lib.data.edits.undo import redo, undo
from lib.data.filters import Query
from lib.data.table import TableRow
from lib.errors import StudioError
from lib.words import counted
from studio import person, table_state
from studio.components.errors import show
from studio.components.text import escape, shorten

AT_ONCE = 20_000  # rows that are changed while the page waits; more become a job with progress
_CLASH, _ERROR = "clash", "curation-error"
Spot = tuple[int, int]  # a row's id, and the page of the table that it is on


@dataclass(frozen=True)
class Clash:
    """An edit that came too late: what was tried (`fields`, or a whole conversation as `mine`), and the conflict."""

    dataset: str
    row_id: int
    fields: dict[str, Any]
    conflict: Conflict


def clash(info: DatasetInfo, row_id: int) -> Clash | None:
    """The clash that is to be settled on this row."""
    found: Clash | None = st.session_state.get(_CLASH)
    return found if found and (found.dataset, found.row_id) == (info.ref, row_id) else None


def settled() -> None:
    """Forget the clash."""
    st.session_state.pop(_CLASH, None)


def show_error() -> None:
    """What went wrong in the last action, once."""
    found: StudioError | None = st.session_state.pop(_ERROR, None)
    if found:
        show(found.message, found.hint)


def attempt(action: Callable[[], Entry | None], done: str = "") -> Entry | None:
    """Run an action; failures are kept for the page to show, successes are said in a toast."""
    try:
        entry = action()
    except StudioError as problem:
        st.session_state[_ERROR] = problem
        return None
    if done and entry is not None:
        st.toast(done, icon=":material/check:")
    return entry


def change_row(info: DatasetInfo, row: TableRow, then: Spot | None, **fields: Any) -> None:
    """Change a row as it was seen; on a conflict both sides are shown. `then` is where to go next; without it the row
    stays open, also where it no longer is among the rows that are looked at."""
    try:
        edit(info, row.row_id, row.state.seq, person.name(), **fields)
    except Conflict as conflict:
        if any(getattr(conflict.present, name) != value for name, value in fields.items()):
            st.session_state[_CLASH] = Clash(info.ref, row.row_id, fields, conflict)
            return  # else a key was pressed twice: the row is as it was wished
    except StudioError as problem:
        st.session_state[_ERROR] = problem
        return
    settled()
    table_state.open_row(info.ref, *(then or (row.row_id,)))


def insist(info: DatasetInfo, found: Clash) -> None:
    """Make the change after all, on the row as it is now."""
    try:
        edit(info, found.row_id, found.conflict.present.seq, person.name(), **found.fields)
    except Conflict as conflict:  # it moved on once more
        st.session_state[_CLASH] = Clash(info.ref, found.row_id, found.fields, conflict)
        return
    except StudioError as problem:
        st.session_state[_ERROR] = problem
    settled()


def keep_for_choice(info: DatasetInfo, row_id: int, fields: dict[str, Any], conflict: Conflict) -> None:
    """Show both sides of a conflict on the page."""
    st.session_state[_CLASH] = Clash(info.ref, row_id, fields, conflict)


def change_many(info: DatasetInfo, query: Query, operation: Operation, matching: int) -> None:
    """Do something to all rows of a query: at once, or as a job when they are many."""
    if matching > AT_ONCE:
        bulk_job.submit(info, query, operation, person.name())
        return
    entry = attempt(lambda: change_all(info, query, operation, person.name()))
    if entry is not None:
        st.toast(
            f"{counted(entry.rows, 'row')}: {escape(operation.label)}. Undo takes it back.", icon=":material/check:"
        )
    elif _ERROR not in st.session_state:
        st.toast("No row had to be changed.")


def undo_last(info: DatasetInfo) -> None:
    """Take back the person's last change."""
    _said(attempt(lambda: undo(info, person.name())), info)


def redo_last(info: DatasetInfo) -> None:
    """Bring back what the person last took back."""
    _said(attempt(lambda: redo(info, person.name())), info)


def undo_entry(info: DatasetInfo, seq: int) -> None:
    """Take back one entry of the history."""
    _said(attempt(lambda: undo(info, person.name(), seq)), info)


def _said(entry: Entry | None, info: DatasetInfo) -> None:
    if entry is None:
        return
    rows = f" ({counted(entry.rows, 'row')})" if entry.row_id is None else f" (row {entry.row_id})"
    what = entry.what.replace("undo: ", "Undone: ", 1).replace("redo: ", "Redone: ", 1)
    st.toast(escape(shorten(what, 100) + rows), icon=":material/undo:")
    if entry.row_id is not None:
        table_state.open_row(info.ref, entry.row_id)


def failed(problem: StudioError) -> None:
    """Keep a failure for the page to show."""
    st.session_state[_ERROR] = problem
