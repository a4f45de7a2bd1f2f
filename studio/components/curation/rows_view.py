"""Rows to look at and mend: facets, the table, and the open row."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib import models
from lib.data.datasets import DatasetInfo
from lib.data.edits import WorkingCopy
from lib.data.filters import Condition, Query
from lib.data.measures import job as measure_job
from lib.data.table import Table, TablePage
from lib.errors import BadInput
from lib.jobs import queue
from studio import cache, person, state, table_state
from studio.components import choose
from studio.components.curation import keys
from studio.components.curation.actions import Spot
from studio.components.curation.facets import show_facets
from studio.components.curation.many import show_many
from studio.components.curation.row_panel import show_row
from studio.components.curation.rows import PAGE_ROWS, show_rows
from studio.components.curation.toolbar import show_toolbar
from studio.components.errors import guarded
from studio.components.job import follow, progress_bar
from studio.components.text import escape
from studio.table_state import TableState

COUNTED_UNASKED = 100_000  # rows
MEASURING_SECONDS = 2.0  # between two looks at how far the measuring is
_CLICKED = "facet-clicked"
FINDABLE = 200_000  # matching rows among which the page of a given row is looked for


def show_rows_view(info: DatasetInfo, copy: WorkingCopy) -> None:
    """Draw the view for what the address asks."""
    keys.listen()
    _jobs(info)
    above = st.container()
    left, middle, right = st.columns([0.85, 2.4, 2.0], gap="medium")
    with left:
        _tokenizer(info)
    table, place, wrong = _asked(info, copy)
    place, page = _located(table, place)
    with above:
        if wrong:
            st.warning(f"{escape(wrong)} All rows are shown.", icon=":material/filter_alt_off:")
        show_toolbar(info, table, place)
    with middle:
        if copy.saved_as is None and not wrong:
            show_many(info, place, page.total)
        show_rows(info, copy, place, page)
    with right:
        _panel(info, copy, table, place, page)
    with left:  # last: at a million rows counting takes a second, and the next key need not wait for it
        _facets(info, table, place)


def _asked(info: DatasetInfo, copy: WorkingCopy) -> tuple[Table, TableState, str]:
    """What the address asks for, and what is wrong with it where everything is shown instead."""
    place, wrong = table_state.read_or_clear(info.ref)
    try:
        return Table(copy, place.query), place, wrong
    except BadInput as error:
        everything = TableState(Query(tokenizer=table_state.tokenizer()))
        return Table(copy, everything.query), everything, f"{error.message} {error.hint}"


def _page(table: Table, place: TableState) -> TablePage:
    return cache.table_page(table, PAGE_ROWS, (place.page - 1) * PAGE_ROWS)


def _located(table: Table, place: TableState) -> tuple[TableState, TablePage]:
    """The page that the open row is on, where that can be told quickly; the first row is open where none is."""
    page = _page(table, place)
    last = max(-(-page.total // PAGE_ROWS), 1)
    if place.page > last:
        place = replace(place, page=last)
        page = _page(table, place)
    ids = [row.row_id for row in page.rows]
    if place.row is None or place.row in ids or page.total > FINDABLE:
        return replace(place, row=place.row or next(iter(ids), None)), page
    position = table.position(place.row)
    if position is None and ids:
        return place, page
    place = replace(place, page=(position or 0) // PAGE_ROWS + 1)
    return place, _page(table, place)


def _jobs(info: DatasetInfo) -> None:
    """A change of many rows that is under way."""
    for job in queue.live_jobs("bulk"):
        if job.payload["dataset"] == info.ref:
            follow(job.id, "rows")


def _facets(info: DatasetInfo, table: Table, place: TableState) -> None:
    """Drawn apart from the page, and again and again while lengths are measured: an open dialog or field stays."""
    measuring = _measuring(info, table)
    st.fragment(_draw_facets, run_every=MEASURING_SECONDS if measuring else None)(info, table, place)


def _measuring(info: DatasetInfo, table: Table) -> int | None:
    """The job that measures what is missing or was edited: lengths first, then tokens; None when all is there."""
    job = measure_job.ensure(info, "texts", user=person.name())
    if job is None and table.query.tokenizer:
        job = measure_job.ensure(info, "tokens", table.query.tokenizer, person.name())
    return job


def _tokenizer(info: DatasetInfo) -> None:
    """Choose the model whose tokens are counted; large datasets are only counted when somebody asks."""
    names = [model.name for model in models.list_models()]
    if not names:
        return
    default = names[0] if info.rows <= COUNTED_UNASKED else choose.LITERAL_TOKENS
    value, key = state.choice("tokenizer", [*names, choose.LITERAL_TOKENS], default)
    st.selectbox(
        "Count tokens of",
        [*names, choose.LITERAL_TOKENS],
        key=key,
        on_change=state.chosen,
        args=("tokenizer",),
        format_func=lambda name: name if name in names else "no model",
        help="Exact lengths of prompt and answer, counted once for each model.",
    )
    state.remember("tokenizer", value)


@guarded
def _draw_facets(info: DatasetInfo, table: Table, place: TableState) -> None:
    if st.session_state.pop(_CLICKED, False):
        st.rerun()

    def clicked(condition: Condition, active: bool) -> None:
        kept = tuple(one for one in place.query.conditions if one != condition)
        query = replace(place.query, conditions=kept) if active else place.query.adding(condition)
        table_state.ask(info.ref, query)
        st.session_state[_CLICKED] = True

    measuring = _measuring(info, table)
    if measuring is not None:
        progress_bar(queue.get(measuring), "rows", "about to measure lengths")
    show_facets(cache.table_facets(table), clicked)


def _panel(info: DatasetInfo, copy: WorkingCopy, table: Table, place: TableState, page: TablePage) -> None:
    if place.row is None:
        return
    ids = [row.row_id for row in page.rows]
    found = next((row for row in page.rows if row.row_id == place.row), None)
    if found is None:
        found = next(iter(table.rows([place.row])), None)
    if found is None:
        st.warning(f"{escape(info.ref)} has no row {place.row}.", icon=":material/search_off:")
        return

    def step(row_id: int, places: int) -> Spot | None:
        if row_id not in ids:
            return (ids[0], place.page) if ids and row_id == place.row else None
        number = ids.index(row_id) + places
        if 0 <= number < len(ids):
            return ids[number], place.page
        return _beyond(table, place, places, page.total)

    show_row(info, copy, found, step)


def _beyond(table: Table, place: TableState, places: int, total: int) -> Spot | None:
    """The first row of the next page, or the last of the page before."""
    offset = place.page * PAGE_ROWS if places > 0 else (place.page - 1) * PAGE_ROWS - 1
    if not 0 <= offset < total:
        return None
    return cache.table_page(table, 1, offset).rows[0].row_id, place.page + (1 if places > 0 else -1)
