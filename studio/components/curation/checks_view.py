"""Checks: run them over all rows, see what each found and why it matters, go to the rows, mend them."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from lib.data.checks import job as check_job
from lib.data.checks import results as check_results
from lib.data.checks.mends import MENDABLE
from lib.data.datasets import DatasetInfo
from lib.data.edits import WorkingCopy
from lib.data.filters import Condition, Query
from lib.data.mapping.reading import read_conversation
from lib.data.table import Table
from lib.errors import BadInput
from lib.words import counted
from studio import person, state, table_state
from studio.components import choose
from studio.components.conversation import show_conversation
from studio.components.curation import many
from studio.components.errors import guarded, show_job_error
from studio.components.job import follow
from studio.components.text import escape

GROUPED = {
    "exact_duplicate": "that say the same",
    "near_duplicate": "each like another in most of its words",
    "conflict": "that answer one question differently",
}
PAGE_ROWS = 10
PAGE_CLUSTERS = 5
CLUSTER_ROWS = 6  # members of a cluster that are shown
SEVERITY: dict[str, tuple[Literal["red", "orange"], str]] = {
    "fault": ("red", ":material/error:"),
    "doubt": ("orange", ":material/help:"),
}


def show_checks_view(info: DatasetInfo, copy: WorkingCopy) -> None:
    """The last check of this version, or the offer to run one."""
    job = check_job.newest_job(info)
    if job and job.live:
        follow(job.id, "rows")
        return
    summary = check_results.summary(info)
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Check again" if summary else "Check all rows"
        settings = _settings()
        if st.button(label, type="secondary" if summary else "primary", icon=":material/fact_check:"):
            check_job.submit(info, settings, person.name())
            st.rerun()
        if summary:
            _headline(copy, summary)
    if job:
        show_job_error(job.error)
    if summary:
        _checks(info, copy, summary)
    else:
        st.caption("Nothing is changed: the check lists rows with a fault or a doubt, and says what to do about them.")


def _settings() -> dict[str, Any]:
    """How strict to be, for the next check."""
    with st.popover("Settings", icon=":material/tune:"):
        threshold = st.slider(
            "Near-duplicates from",
            0.5,
            1.0,
            0.8,
            0.05,
            key="check-threshold",
            help="Share of words that two rows have in common (Jaccard similarity of their sets of words).",
        )
        length = st.number_input(
            "Longest row, in tokens",
            0,
            1_000_000,
            0,
            key="check-length",
            help="0: only rows that are far longer than the others count as long.",
        )
        template = choose.template()
        model = choose.tokenizer() if length else None
    limits = {"model": model, "max_length": length, "template": template} if length and model else {}
    return {"near": threshold, **limits}


def _headline(copy: WorkingCopy, summary: dict[str, Any]) -> None:
    share = summary["flagged"] / max(summary["rows"], 1)
    st.markdown(
        f"**{counted(summary['flagged'], 'row')}** of {summary['rows']:,} flagged ({share:.1%})", width="content"
    )
    if copy.seq > summary.get("seq", 0):
        st.badge(
            "rows were edited since", color="orange", icon=":material/update:", help="Check again to see what is left."
        )


def _checks(info: DatasetInfo, copy: WorkingCopy, summary: dict[str, Any]) -> None:
    found = [check for check in summary["checks"] if check["rows"]]
    clean = [check["label"] for check in summary["checks"] if not check["rows"]]
    if not found:
        st.success("No check found anything.", icon=":material/check:")
        return
    left, right = st.columns([1, 2], gap="medium")
    with left:
        names = {check["name"]: check for check in found}
        chosen = st.radio(
            "Checks that found rows",
            list(names),
            format_func=lambda name: f"{names[name]['label']} · {names[name]['rows']:,}",
            key=f"check-{info.ref}",
        )
        if clean:
            st.caption(f"Found nothing: {escape(', '.join(clean))}.")
    with right:
        _check(info, copy, names[chosen])


def _check(info: DatasetInfo, copy: WorkingCopy, check: dict[str, Any]) -> None:
    colour, icon = SEVERITY[check["severity"]]
    query = Query((Condition("flag", "is", check["name"]),))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(check["label"], anchor=False, width="content")
        st.badge(check["severity"], color=colour, icon=icon)
        st.button("Go to the rows", icon=":material/table_rows:", on_click=_go, args=(info, query))
        if (
            copy.saved_as is None
            and check["name"] in MENDABLE
            and st.button("Mend …", icon=":material/build:", help="See the proposed mends first")
        ):
            many.mend(info, query, check["name"])
    st.markdown(escape(check["explanation"]))
    st.caption(f":material/build: {escape(check['remedy'])}")
    if check["name"] in GROUPED:
        _clusters(info, copy, check)
    else:
        _rows(info, copy, check)


def _go(info: DatasetInfo, query: Query) -> None:
    state.put("view", "Rows")
    table_state.ask(info.ref, query)


@st.fragment
@guarded
def _rows(info: DatasetInfo, copy: WorkingCopy, check: dict[str, Any]) -> None:
    pages = max(-(-check["rows"] // PAGE_ROWS), 1)
    number = st.pagination(pages, key=f"check-page-{info.ref}-{check['name']}")
    flagged = check_results.flagged(info, check["name"], PAGE_ROWS, (number - 1) * PAGE_ROWS)
    _draw(copy, {item.row_id: item.detail for item in flagged})


@st.fragment
@guarded
def _clusters(info: DatasetInfo, copy: WorkingCopy, check: dict[str, Any]) -> None:
    """Rows that belong together, the largest groups first."""
    total = check_results.cluster_count(info, check["name"])
    number = st.pagination(max(-(-total // PAGE_CLUSTERS), 1), key=f"clusters-{info.ref}-{check['name']}")
    for cluster in check_results.clusters(info, check["name"], PAGE_CLUSTERS, (number - 1) * PAGE_CLUSTERS):
        with st.container(border=True):
            st.markdown(f"**{counted(cluster.size, 'row')}** {GROUPED[check['name']]}")
            _draw(copy, dict.fromkeys(cluster.rows[:CLUSTER_ROWS], ""))
            if cluster.size > CLUSTER_ROWS:
                st.caption(f"and {cluster.size - CLUSTER_ROWS:,} more")


def _draw(copy: WorkingCopy, details: dict[int, str]) -> None:
    for row in Table(copy, Query()).rows(list(details)):
        with st.container(border=True):
            gone = " · deleted" if row.state.deleted else ""
            detail = f" · {escape(details[row.row_id])}" if details[row.row_id] else ""
            st.markdown(f":small[:gray[row {row.row_id}{gone}{detail}]]")
            try:
                show_conversation(read_conversation(row.values, copy.mapping))
            except BadInput as error:
                st.warning(escape(error.message))
