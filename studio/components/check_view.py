"""Checks on screen: run them, see what each found, look at the rows."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from lib.data import datasets
from lib.data.checks import results as check_results
from lib.data.datasets import DatasetInfo
from lib.data.mapping import read_conversation
from lib.errors import BadInput
from lib.jobs import queue
from lib.settings import settings
from lib.words import counted
from studio.components.conversation import show_conversation
from studio.components.errors import show_job_error
from studio.components.job import follow
from studio.components.text import escape

PAGE_ROWS = 10
SEVERITY: dict[str, tuple[Literal["red", "orange"], str]] = {
    "fault": ("red", ":material/error:"),
    "doubt": ("orange", ":material/help:"),
}


def show(info: DatasetInfo) -> None:
    """The last check of this version, or the offer to run one."""
    job = check_results.newest_job(info)
    if job and job.live:
        follow(job.id, "rows")
        return
    summary = check_results.summary(info)
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Check again" if summary else "Check all rows"
        if st.button(label, type="secondary" if summary else "primary", icon=":material/fact_check:"):
            queue.submit("check", {"dataset": info.ref}, settings.user)
            st.rerun()
        if summary:
            share = summary["flagged"] / max(summary["rows"], 1)
            st.markdown(f"**{counted(summary['flagged'], 'row')}** of {summary['rows']:,} flagged ({share:.1%})")
    if job and not summary:
        show_job_error(job.error)
    if summary:
        _checks(info, summary)
    else:
        st.caption("Nothing is changed: the check lists rows with a fault or a doubt, and says what to do about them.")


def _checks(info: DatasetInfo, summary: dict[str, Any]) -> None:
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
        _rows(info, names[chosen])


@st.fragment
def _rows(info: DatasetInfo, check: dict[str, Any]) -> None:
    colour, icon = SEVERITY[check["severity"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(check["label"], anchor=False, width="content")
        st.badge(check["severity"], color=colour, icon=icon)
    st.markdown(escape(check["explanation"]))
    st.caption(f":material/build: {escape(check['remedy'])}")
    pages = max(-(-check["rows"] // PAGE_ROWS), 1)
    number = st.pagination(pages, key=f"check-page-{info.ref}-{check['name']}")
    for item in check_results.flagged(info, check["name"], PAGE_ROWS, (number - 1) * PAGE_ROWS):
        with st.container(border=True):
            st.markdown(f":small[:gray[row {item.row_id}] · {escape(item.detail)}]")
            try:
                show_conversation(read_conversation(datasets.row(info, item.row_id), info.mapping))
            except BadInput as error:
                st.warning(escape(error.message))
