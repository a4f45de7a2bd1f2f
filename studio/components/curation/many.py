"""One change to many rows: to the ticked ones, or to all that match the filter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from lib.data.checks import CHECKS, results
from lib.data.checks.mends import MENDABLE
from lib.data.datasets import DatasetInfo
from lib.data.edits import open_copy
from lib.data.edits.bulk import REPEATS, Preview, preview
from lib.data.edits.operations import Operation
from lib.data.filters import Query
from lib.data.mapping.reading import read_conversation
from lib.data.splits.hashed import SPLITS
from lib.data.table import Table
from lib.records import Conversation
from lib.words import counted
from studio import table_state
from studio.components.conversation_diff import show_conversation_diff
from studio.components.curation import actions
from studio.components.errors import guarded
from studio.components.text import escape
from studio.table_state import TableState

EXAMPLES = 10
SURE = 1000  # rows; more are changed only after a question
FEW = 25  # without a filter: as many as are on screen
STATUS_LABELS = {"accepted": "Accept", "rejected": "Reject", "pending": "Back to pending"}


def show_many(info: DatasetInfo, place: TableState, matching: int) -> None:
    """Draw the bar of changes under the table."""
    query = table_state.target(place)
    rows = len(place.picked) or matching
    with st.container(horizontal=True, vertical_alignment="center", key="many"):
        which = "ticked " if place.picked else "matching " if place.query.words() else ""
        noun = "row" if rows == 1 else "rows"
        st.markdown(f":small[On **{rows:,}** {which}{noun}]", width="content")
        if place.picked:
            st.button("Untick", type="tertiary", on_click=table_state.pick, args=(info.ref, ()))
        do = partial(_do, info, query)
        for status in ("accepted", "rejected"):
            if st.button(f"{STATUS_LABELS[status]} {rows:,}", key=f"many-{status}", disabled=not rows):
                do(Operation("status", status), rows)
        gone = any(condition.field == "deleted" and condition.value == "yes" for condition in place.query.conditions)
        kind = "restore" if gone else "delete"
        if st.button(f"{kind.capitalize()} {rows:,}", key=f"many-{kind}", icon=":material/delete:", disabled=not rows):
            do(Operation(kind), rows)
        replacing = st.button("Replace …", icon=":material/find_replace:", key="many-replace", disabled=not rows)
        with st.popover("More", disabled=not rows, help="Tags, splits, back to pending"):
            _more(do, rows)
        for condition in place.query.conditions:
            if condition.field == "flag" and condition.operator == "is" and condition.value in MENDABLE:
                label = CHECKS[condition.value].label
                if st.button(f"Mend: {label}", key=f"many-mend-{condition.value}", icon=":material/build:"):
                    mend(info, query, condition.value)
    if replacing:
        find_and_replace(info, query, place.query.search)


def _do(info: DatasetInfo, query: Query, operation: Operation, rows: int) -> None:
    """Do it, after a question where it is much."""
    if rows > SURE or not (query.words() or rows <= FEW):
        _are_you_sure(info, query, operation, rows)
    else:
        _change(info, query, operation, rows)


def _change(info: DatasetInfo, query: Query, operation: Operation, rows: int) -> None:
    """Ticks go with the change: rows that no longer match would stay ticked out of sight."""
    actions.change_many(info, query, operation, rows)
    if table_state.shown(info.ref).picked:
        table_state.pick(info.ref, ())
    st.rerun()


@st.dialog("Are you sure?", icon=":material/help:")
def _are_you_sure(info: DatasetInfo, query: Query, operation: Operation, rows: int) -> None:
    which = f"where {query.words()}" if query.words() else f"all that {info.ref} has"
    st.markdown(f"**{counted(rows, 'row')}**, {escape(which)}: {escape(operation.label)}. Undo takes it back.")
    if st.button(f"Yes, {counted(rows, 'row')}", type="primary", key="many-sure"):
        _change(info, query, operation, rows)


def _more(do: partial[None], rows: int) -> None:
    """The changes that are asked for less often."""
    if st.button(STATUS_LABELS["pending"], key="many-pending"):
        do(Operation("status", "pending"), rows)
    tag = st.text_input("Tag", key="many-tag", max_chars=40)
    with st.container(horizontal=True):
        for kind, label in (("tag", "Add the tag"), ("untag", "Remove it")):
            if st.button(label, key=f"many-do-{kind}", disabled=not tag.strip() or "," in tag):
                do(Operation(kind, tag.strip()), rows)
    st.caption("Move to another split")
    with st.container(horizontal=True):
        for split in SPLITS:
            if st.button(split, key=f"many-to-{split}"):
                do(Operation("split", split), rows)


@st.dialog("Find and replace", width="large", icon=":material/find_replace:")
@guarded
def find_and_replace(info: DatasetInfo, query: Query, search: str) -> None:
    """What to replace by what, with the rows as they would be, before anything is changed."""
    left, right = st.columns(2)
    find = left.text_input("Find", value=search, key="replace-find")
    by = right.text_input("Replace by", key="replace-by", placeholder="nothing: the text is taken out")
    with st.container(horizontal=True):
        case = st.checkbox("Match case", value=True, key="replace-case")
        words = st.checkbox("Whole words", key="replace-words")
        pattern = st.checkbox("Regular expression", key="replace-regex", help=r"Groups of it are \1, \2 … in the text.")
    if not find:
        st.caption("Texts of all turns are looked through; other columns stay as they are.")
        return
    operation = Operation("replace", find, {"by": by, "case": case, "words": words, "regex": pattern})
    _previewed(info, query, operation, "Replace")


@st.dialog("Mend what a check found", width="large", icon=":material/build:")
@guarded
def mend(info: DatasetInfo, query: Query, check: str) -> None:
    """The proposed mends of a check, before anything is changed."""
    st.caption(f"{CHECKS[check].explanation} {CHECKS[check].remedy}")
    if check == "near_duplicate":
        st.warning(
            "This deletes rows. Texts that share long boilerplate count as near-duplicates too: look at some "
            "pairs first, and raise the threshold in the settings of the check if they differ where it matters.",
            icon=":material/warning:",
        )
    _previewed(info, query, Operation("mend", check), "Delete" if check in REPEATS else "Mend")


@st.dialog("Mend what the lint found", width="large", icon=":material/build:")
@guarded
def mend_finding(info: DatasetInfo, operation: Operation, kind: dict[str, Any]) -> None:
    """The mends of a finding of the lint, before anything is changed."""
    st.caption(f"{kind['explanation']} {kind['mend']}.")
    _previewed(info, Query(), operation, "Delete" if kind["mend"].startswith("Delete") else "Mend")


def _previewed(info: DatasetInfo, query: Query, operation: Operation, label: str) -> None:
    found = preview(info, query, operation, EXAMPLES)
    st.markdown(_summary(found))
    if not found.changing:
        return
    with st.container(horizontal=True):
        if st.button(f"{label} {_rows(found)}", type="primary"):
            _change(info, query, operation, found.matching)
        st.caption("One step of the history: undo takes all of it back.", width="content")
    likes = _likes(info, operation, [example.row_id for example in found.examples])
    for example in found.examples:
        with st.container(border=True):
            like = likes.get(example.row_id)
            if like is None:
                gone = "" if example.after else " · would be deleted"
                st.markdown(f":small[:gray[row {example.row_id}{gone}]]")
                show_conversation_diff(example.before, example.after, key=f"example-{example.row_id}")
            else:
                text = f"row {like.row_id} stays, row {example.row_id} would be deleted; {like.detail}"
                st.markdown(f":small[:gray[{escape(text)}]]")
                show_conversation_diff(like.conversation, example.before, key=f"example-{example.row_id}")


@dataclass(frozen=True)
class _Like:
    """The row that another one repeats, and how nearly."""

    row_id: int
    detail: str
    conversation: Conversation


def _likes(info: DatasetInfo, operation: Operation, row_ids: list[int]) -> dict[int, _Like]:
    """For rows that repeat others, those others: to see both before one of them goes."""
    if operation.kind != "mend" or operation.value not in REPEATS or not row_ids:
        return {}
    copy = open_copy(info)
    found = results.findings_of(info, operation.value, row_ids)
    rows = Table(copy, Query()).rows(sorted({one.group for one in found.values() if one.group is not None}))
    kept = {row.row_id: read_conversation(row.values, copy.mapping) for row in rows}
    return {
        row_id: _Like(one.group, one.detail, kept[one.group])
        for row_id, one in found.items()
        if one.group is not None and one.group in kept
    }


def _rows(found: Preview) -> str:
    return counted(found.changing, "row") if found.seen == found.matching else f"up to {counted(found.matching, 'row')}"


def _summary(found: Preview) -> str:
    if found.seen < found.matching:
        return f"{found.changing:,} of the first {found.seen:,} rows would change; {found.matching:,} may have to."
    if not found.changing:
        return escape("No row would change.")
    return f"{counted(found.changing, 'row')} would change. The first of them:"
