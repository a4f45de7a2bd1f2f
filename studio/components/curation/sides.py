"""Two people changed one row: what is there now, what was tried, and the choice between them."""

from __future__ import annotations

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.data.edits import Conflict, WorkingCopy
from lib.data.edits.conversations import edit_conversation
from lib.data.mapping.reading import read_conversation
from lib.data.table import TableRow
from lib.errors import StudioError
from studio import person
from studio.components.conversation import show_conversation
from studio.components.conversation_diff import show_conversation_diff
from studio.components.curation import actions
from studio.components.curation.actions import Clash
from studio.components.text import ago, escape


def show_sides(info: DatasetInfo, copy: WorkingCopy, row: TableRow, found: Clash) -> None:
    """Draw both sides of a conflict with the two ways out."""
    last = found.conflict.last
    by = f"**{escape(last.who)}** changed this row {ago(last.at)}" if last else "This row was changed meanwhile"
    if last and last.who == person.name():
        by = f"**{escape(last.who)}**, your own name, perhaps in another window, changed this row {ago(last.at)}"
    st.warning(f"{by}, after you had opened it. Nothing is overwritten until you choose.", icon=":material/group:")
    present = read_conversation(row.values, copy.mapping)
    with st.container(border=True):
        st.markdown(f":small[:gray[as it is now]] {escape(last.what) if last else ''}")
        show_conversation(present)
    with st.container(border=True):
        st.markdown(":small[:gray[your change, against that]]")
        mine = found.fields.get("conversation")
        if mine is not None:
            show_conversation_diff(present, mine, key=f"clash-{row.row_id}")
        else:
            st.markdown(escape(", ".join(f"{name}: {value}" for name, value in found.fields.items())))
    with st.container(horizontal=True):
        st.button("Keep theirs", on_click=actions.settled)
        st.button("Use mine", on_click=_use_mine, args=(info, found))


def _use_mine(info: DatasetInfo, found: Clash) -> None:
    mine = found.fields.get("conversation")
    if mine is None:
        actions.insist(info, found)
        return
    try:
        edit_conversation(info, found.row_id, found.conflict.present.seq, person.name(), mine)
    except Conflict as conflict:
        actions.keep_for_choice(info, found.row_id, found.fields, conflict)
    except StudioError as problem:
        actions.failed(problem)
    else:
        actions.settled()
