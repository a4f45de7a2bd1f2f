"""What goes on: devices and what holds them, the queue, the workers, and what failed."""

from __future__ import annotations

import time

import streamlit as st

from lib.jobs import queue
from lib.system import jobs
from lib.system.holders import Held, held
from lib.system.jobs import EndedJob, LiveJob
from lib.system.workers import WorkerView, list_workers, own_memory
from lib.words import counted, duration, memory
from studio.components.badges import state_badge
from studio.components.errors import guarded
from studio.components.system.lines import named, stop_button, tell
from studio.components.system.queue_view import show_queue
from studio.components.text import ago, escape


def show_now() -> None:
    """All of it. While a job is live the upper part is drawn again every other second."""
    live = _live_ids()
    if live:
        _following(live)
    else:
        _upper()
    _failed(jobs.failed())


@st.fragment(run_every="2s")
@guarded
def _following(live: list[int]) -> None:
    if _live_ids() != live:
        st.rerun()
    _upper()


def _live_ids() -> list[int]:
    return [job.id for job in queue.live_jobs()]


def _upper() -> None:
    tell()
    running = jobs.running()
    _devices(held(running))
    show_queue([job for job in running if job.view.kind != "engine"], jobs.waiting())
    _workers(list_workers(running))


def _devices(found: list[Held]) -> None:
    st.header("Devices", anchor=False)
    for row in range(0, len(found), 3):
        for column, one in zip(st.columns(3), found[row : row + 3], strict=False):
            with column, st.container(border=True, height="stretch"):
                _device(one)


def _device(one: Held) -> None:
    device = one.device
    cores = f" · {counted(device.cores, 'core')}" if device.cores else ""
    st.markdown(f"**{'GPU ' + str(device.index) if device.is_gpu else 'CPU'}** :small[{escape(device.name)}{cores}]")
    taken = 1 - device.free / device.memory if device.memory else 0.0
    st.progress(min(max(taken, 0.0), 1.0), f"{memory(device.free)} free of {memory(device.memory)} memory")
    if not one.jobs:
        st.caption("Nothing of the studio holds it.")
    for job in one.jobs:
        _holder(job)


def _holder(job: LiveJob) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        named(job.title)
        facts = [f"for {duration(job.view.seconds)}", *([f"{memory(job.memory)} of main memory"] if job.memory else [])]
        st.markdown(f":small[:gray[{' · '.join(facts)}]]", width="content")
        if job.view.kind == "engine":
            stop_button(
                job,
                "Give its memory back",
                ":material/eject:",
                help="Ends the engine. The next question to a model starts another; until then it is loaded again.",
            )


def _workers(found: list[WorkerView]) -> None:
    st.header("Processes", anchor=False)
    if not any(worker.alive for worker in found):
        st.warning(
            "No worker is alive: jobs wait until there is one. Start the studio with `make run`; runs that were under "
            "way go on by themselves.",
            icon=":material/warning:",
        )
    for worker in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _alive_badge(worker.alive)
            at_work = f"started {counted(len(worker.jobs), 'job')} that run{'s' * (len(worker.jobs) == 1)}"
            st.markdown(
                f"Worker :small[:gray[process {worker.pid} on {escape(worker.host)} · since {ago(worker.started_at)} · "
                f"heard {duration(max(time.time() - worker.heard_at, 0))} ago · "
                f"{at_work if worker.jobs else 'no job of its own runs'}]]",
                width="content",
            )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _alive_badge(True)
        st.markdown(f"Pages :small[:gray[this web process · {memory(own_memory())} of memory]]", width="content")


def _alive_badge(alive: bool) -> None:
    if alive:
        st.badge("alive", color="green", icon=":material/check:")
    else:
        st.badge("gone", color="orange", icon=":material/power_off:", help="Its process ended without a word.")


def _failed(found: list[EndedJob]) -> None:
    if not found:
        return
    st.header("Failed or interrupted", anchor=False)
    for job in found:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                state_badge(job.view.status)
                named(job.title)
                when = ago(job.view.finished_at or job.view.created_at)
                st.markdown(
                    f":small[:gray[{escape(job.view.created_by)}, {when} · job {job.view.id}]]", width="content"
                )
            if error := job.view.error:
                st.markdown(f"{escape(error['message'])} :gray[{escape(error.get('hint', ''))}]")
            _log(job)


def _log(job: EndedJob) -> None:
    opened = st.expander("Last lines of its log", key=f"log-{job.view.id}", on_change="rerun", icon=":material/notes:")
    if opened.open:
        with opened:
            text = jobs.log_tail(job.view.id)
            if text:
                st.code(text, language=None, wrap_lines=True, height=240)
            else:
                st.caption("It printed nothing.")
