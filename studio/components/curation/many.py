"""One change to many rows: to the ticked ones, or to all that match the filter."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lib.data.checks import CHECKS
from lib.data.datasets import DatasetInfo
from lib.data.edits.bulk import Preview, preview
from lib.data.edits.operations import Operation
from lib.data.filters import Query
from lib.data.splits.hashed import SPLITS
from lib.errors import StudioError
from lib.words import counted
from studio import table_state
from studio.components.conversation_diff import show_conversation_diff
from studio.components.curation import actions
from studio.components.errors import show
from studio.components.text import escape
from studio.table_state import TableState

EXAMPLES = 10
STATUS_LABELS = {"accepted": "Accept {:,}", "rejected": "Reject {:,}", "pending": "Back to pending"}


def show_many(info: DatasetInfo, place: TableState, matching: int) -> None:
    """Draw the bar of changes under the table."""
    query = table_state.target(place)
    rows = len(place.picked) or matching
    with st.container(horizontal=True, vertical_alignment="center", key="many"):
        which = "ticked " if place.picked else "matching " if place.query.words() else ""
        st.markdown(f":small[On all **{rows:,}** {which}rows]", width="content")
        if place.picked:
            st.button("Untick", type="tertiary", on_click=table_state.pick, args=(info.ref, ()))
        do = partial(actions.change_many, info, query)
        for status, label in STATUS_LABELS.items():
            st.button(label.format(rows), key=f"many-{status}", disabled=not rows, on_click=do,
                      args=(Operation("status", status), rows))  # fmt: skip
        _tag(do, rows)
        _split(do, rows)
        st.button(f"Delete {rows:,}", key="many-delete", icon=":material/delete:", disabled=not rows, on_click=do,
                  args=(Operation("delete"), rows))  # fmt: skip
        if any(condition.field == "deleted" for condition in place.query.conditions):
            st.button("Restore", key="many-restore", on_click=do, args=(Operation("restore"), rows))
        if st.button("Find and replace", icon=":material/find_replace:", disabled=not rows):
            find_and_replace(info, query, place.query.search)
        for condition in place.query.conditions:
            if condition.field == "flag" and condition.operator == "is" and condition.value in CHECKS:
                label = CHECKS[condition.value].label
                if st.button(f"Mend: {label}", key=f"many-mend-{condition.value}", icon=":material/build:"):
                    mend(info, query, condition.value)


def _tag(do: partial[None], rows: int) -> None:
    with st.popover("Tag", icon=":material/sell:", disabled=not rows):
        tag = st.text_input("Tag", key="many-tag", max_chars=40)
        with st.container(horizontal=True):
            for kind, label in (("tag", "Add"), ("untag", "Remove")):
                st.button(label, key=f"many-do-{kind}", disabled=not tag.strip() or "," in tag, on_click=do,
                          args=(Operation(kind, tag.strip() or "tag"), rows))  # fmt: skip


def _split(do: partial[None], rows: int) -> None:
    with st.popover("Split", icon=":material/call_split:", disabled=not rows, help="Move the rows to another split"):
        for split in SPLITS:
            st.button(f"To {split}", key=f"many-to-{split}", on_click=do, args=(Operation("split", split), rows))


@st.dialog("Find and replace", width="large", icon=":material/find_replace:")
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
    try:
        operation = Operation("replace", find, {"by": by, "case": case, "words": words, "regex": pattern})
        _previewed(info, query, operation, "Replace")
    except StudioError as error:
        show(error.message, error.hint)


@st.dialog("Mend what a check found", width="large", icon=":material/build:")
def mend(info: DatasetInfo, query: Query, check: str) -> None:
    """The proposed mends of a check, before anything is changed."""
    st.caption(f"{CHECKS[check].explanation} {CHECKS[check].remedy}")
    _previewed(info, query, Operation("mend", check), "Mend")


def _previewed(info: DatasetInfo, query: Query, operation: Operation, label: str) -> None:
    found = preview(info, query, operation, EXAMPLES)
    st.markdown(_summary(found))
    if not found.changing:
        return
    with st.container(horizontal=True):
        if st.button(f"{label} in {_rows(found)}", type="primary"):
            actions.change_many(info, query, operation, found.matching)
            st.rerun()
        st.caption("One step of the history: undo takes all of it back.", width="content")
    for example in found.examples:
        with st.container(border=True):
            gone = "" if example.after else " · would be deleted"
            st.markdown(f":small[:gray[row {example.row_id}{gone}]]")
            show_conversation_diff(example.before, example.after, key=f"example-{example.row_id}")


def _rows(found: Preview) -> str:
    return counted(found.changing, "row") if found.seen == found.matching else f"up to {counted(found.matching, 'row')}"


def _summary(found: Preview) -> str:
    if found.seen < found.matching:
        return f"{found.changing:,} of the first {found.seen:,} rows would change; {found.matching:,} may have to."
    if not found.changing:
        return escape("No row would change.")
    return f"{counted(found.changing, 'row')} would change. The first of them:"
