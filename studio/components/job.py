"""Long work on screen: progress, rate, time left, stop; the page is drawn again when it ends."""

from __future__ import annotations

import streamlit as st

from lib.jobs import queue
from lib.jobs.queue import JobView
from lib.words import duration
from studio.components.errors import guarded


def progress_bar(job: JobView, unit: str, at_first: str = "starting") -> None:
    """One bar with what, how far, how fast, how long still. `unit` names what is counted: rows, steps.

    `at_first`: what is said before the job itself says anything.
    """
    progress = job.progress
    if job.status == "queued":
        st.progress(0.0, "Waiting for its turn")
        return
    done, total = progress.get("done") or 0, progress.get("total")
    text = "stopping; what is there is kept" if job.stopping else progress.get("text") or at_first
    parts = [text[:1].upper() + text[1:]]
    unit = progress.get("unit", unit)
    if total and unit != "bytes":  # the text has them, in units that people read
        parts.append(f"{done:,.0f} of {total:,.0f} {unit}".rstrip())
    if progress.get("tokens_per_second"):
        parts.append(f"{progress['tokens_per_second']:,.0f} tokens/s")
    elif done and unit and progress.get("rate") and unit != "bytes":
        parts.append(f"{progress['rate']:,.1f} {unit}/s")
    if progress.get("seconds_left") is not None and not job.stopping and done:
        parts.append(f"{duration(progress['seconds_left'])} left")
    st.progress(min(done / total, 1.0) if total else 0.0, " · ".join(parts))


def follow(job_id: int, unit: str, stop_label: str = "Stop") -> None:
    """A live job's bar with a stop button; use it only while the job is live. The page is drawn anew when it begins
    and when it ends."""
    _follow(job_id, unit, stop_label, queue.get(job_id).status)


@st.fragment(run_every="1s")
@guarded
def _follow(job_id: int, unit: str, stop_label: str, status: str) -> None:
    job = queue.get(job_id)
    if job.status != status or not job.live:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container():
            progress_bar(job, unit)
        if st.button(stop_label, key=f"stop-{job_id}", icon=":material/stop:", disabled=job.stopping):
            queue.stop(job_id)
            st.rerun()
