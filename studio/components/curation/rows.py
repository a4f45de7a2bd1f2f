"""The table of rows: a page of them, with the open one marked and any number ticked."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib.data.checks import CHECKS
from lib.data.datasets import DatasetInfo
from lib.data.edits import WorkingCopy
from lib.data.mapping.reading import read_conversation
from lib.data.table import TablePage, TableRow
from lib.errors import BadInput
from studio import table_state
from studio.components.text import shorten
from studio.table_state import TableState

PAGE_ROWS = 25
CELL = 160  # characters
STATUS = {"pending": "○", "accepted": "✓", "rejected": "✗"}


def show_rows(info: DatasetInfo, copy: WorkingCopy, place: TableState, page: TablePage) -> None:
    """Draw the page of rows; a click on a cell opens its row, a tick picks it."""
    pages = max(-(-page.total // PAGE_ROWS), 1)
    if not page.rows:
        st.info(_none(place), icon=":material/search_off:")
        return
    ids = [row.row_id for row in page.rows]
    frame = pd.DataFrame([_cells(copy, row, row.row_id == place.row) for row in page.rows])
    picked = [number for number, row_id in enumerate(ids) if row_id in place.picked]
    key = f"rows-{info.ref}-{hash((tuple(ids), tuple(picked), place.row))}"

    def chosen() -> None:
        selection = st.session_state[key].selection
        ticked = {ids[number] for number in selection.rows}
        elsewhere = set(place.picked) - set(ids)
        table_state.pick(info.ref, elsewhere | ticked)
        if selection.cells:
            table_state.open_row(info.ref, ids[selection.cells[0][0]])

    st.dataframe(
        frame,
        key=key,
        hide_index=True,
        on_select=chosen,
        selection_mode=["multi-row", "single-cell"],
        selection_default={"selection": {"rows": picked}},
        height="content",
        column_config={
            "": st.column_config.TextColumn(width=20),
            "row": st.column_config.NumberColumn(width=50, format="%d"),
            "status": st.column_config.TextColumn(width=50, help="○ pending, ✓ accepted, ✗ rejected"),
            "question": st.column_config.TextColumn(width=125),
            "answer": st.column_config.TextColumn(width=165),
            "checks": st.column_config.ListColumn(width="small"),
            "tags": st.column_config.ListColumn(width="small"),
        },
        alt="Rows of the dataset",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        first = (place.page - 1) * PAGE_ROWS + 1
        st.caption(f"{first:,} to {first + len(ids) - 1:,} of {page.total:,}", width="content")
        if pages > 1:
            _pager(info, place.page, pages)


def _none(place: TableState) -> str:
    """Why there is no row, and the way out."""
    if place.query.conditions:
        return "No row matches. Take a filter away."
    return "No row holds that text." if place.query.search else "Every row is deleted. Undo brings them back."


def _pager(info: DatasetInfo, page: int, pages: int) -> None:
    key = f"rows-page-{page}"  # another page is another widget: its number comes from the address
    st.pagination(
        pages, default=min(page, pages), key=key, on_change=lambda: table_state.turn_to(info.ref, st.session_state[key])
    )


def _cells(copy: WorkingCopy, row: TableRow, is_open: bool) -> dict[str, object]:
    try:
        conversation = read_conversation(row.values, copy.mapping)
        asked = next((one.content for one in conversation.messages if one.role == "user"), "")
        question, answer = asked, conversation.answer()
    except BadInput as error:
        question, answer = "", f"cannot be read: {error.message}"
    status = "deleted" if row.state.deleted else STATUS[row.state.status]
    return {
        "": "▸" if is_open else "",
        "row": row.row_id,
        "status": status,
        "question": shorten(question, CELL),
        "answer": shorten(answer, CELL),
        "checks": [CHECKS[name].label for name in row.flags if name in CHECKS],
        "tags": list(row.state.tags),
    }
