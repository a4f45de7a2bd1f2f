"""The queue: what runs with its progress, and what waits in the order of its turn."""

from __future__ import annotations

import streamlit as st

from lib.system.jobs import LANES, LiveJob
from lib.words import duration, memory
from studio.components.badges import state_badge
from studio.components.job import progress_bar
from studio.components.system.lines import named, stop_button, up_button
from studio.components.text import ago, escape

NAMES = {"compute": "On the device", "engine": "Inference engine", "light": "Beside it"}
UNITS = {"train": "steps", "compare": "answers", "download": "bytes"}


def show_queue(running: list[LiveJob], waiting: list[LiveJob]) -> None:
    """Each lane that has jobs: first what runs, then what waits."""
    st.header("Queue", anchor=False)
    if not running and not waiting:
        st.caption("Nothing runs and nothing waits. Imports, runs, comparisons and exports appear here while they go.")
    for lane, about in LANES.items():
        now, later = (_of(lane, jobs) for jobs in (running, waiting))
        if now or later:
            st.markdown(f"**{NAMES[lane]}** :small[:gray[{about}]]")
            for job in now:
                _running(job)
            for place, job in enumerate(later):
                _waiting(job, place)


def _of(lane: str, jobs: list[LiveJob]) -> list[LiveJob]:
    return [job for job in jobs if job.view.lane == lane]


def _running(job: LiveJob) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            state_badge(job.view.status)
            named(job.title)
            facts = [escape(job.view.created_by), f"for {duration(job.view.seconds)}"]
            facts += [memory(job.memory)] if job.memory else []
            st.markdown(f":small[:gray[{' · '.join(facts)} · job {job.id}]]", width="content")
            st.space("stretch")
            stop_button(job, "Stop", help="What it can keep is kept.")
        progress_bar(job.view, UNITS.get(job.view.kind, "rows"))


def _waiting(job: LiveJob, place: int) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        state_badge(job.view.status)
        st.markdown(f"{place + 1}.", width="content")
        named(job.title)
        asked = ago(job.view.created_at)
        st.markdown(f":small[:gray[{escape(job.view.created_by)}, {asked} · job {job.id}]]", width="content")
        st.space("stretch")
        up_button(job, first=place == 0)
        stop_button(job, "Cancel", ":material/close:")
