"""The parts of Home: state of the machine, next step, cards for each part of the chain, activity."""

from __future__ import annotations

import streamlit as st

from lib.overview import ActivityLine, NextStep, Overview
from lib.words import counted
from studio.components.badges import state_badge
from studio.components.comparing.listed import show_verdicts
from studio.components.frame import header
from studio.components.links import go, link, link_stored
from studio.components.text import ago, escape

NEWEST = 3  # of each kind


def show_title(now: Overview) -> None:
    """The title, and at its side in one line how the machine is, which leads to System."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(width="content"):
            header(
                "home",
                "Curate a dataset, fine-tune a model on it, and see with evidence whether the tuned one is better.",
            )
        link("system", _state(now), icon=_icon(now), help="Devices, queue, workers, disk, models and settings")


def _state(now: Overview) -> str:
    """`starter ready · CPU, 2 cores · queue empty`."""
    starter = "starter ready" if now.starter_ready else ":orange[no starter model: run `make setup`]"
    device = now.device
    machine = escape(device.name) if device.is_gpu else f"CPU, {counted(device.cores, 'core')}"
    if not now.worker_alive:
        queue = ":red[no worker: start with `make run`]"
    else:
        queue = f":blue[{now.live_jobs} in the queue]" if now.live_jobs else "queue empty"
    return f":small[{starter} · {machine} · {queue}]"


def _icon(now: Overview) -> str:
    return ":material/check_circle:" if now.starter_ready and now.worker_alive else ":material/warning:"


def show_next(step: NextStep, now: Overview) -> None:
    """The one thing to do next."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Next:** {escape(step.text)}", width="content")
        if not now.runs:
            link("datasets", "or import your own data", icon=":material/upload:")
        if st.button(step.label, type="primary", icon=":material/arrow_forward:", key="next"):
            go(step.page, **step.parameters)


def show_cards(now: Overview) -> None:
    """Data, models, evidence: how many, the newest, one action."""
    data, models, evidence = st.columns(3)
    with data, st.container(border=True, height="stretch"):
        _data(now)
    with models, st.container(border=True, height="stretch"):
        _models(now)
    with evidence, st.container(border=True, height="stretch"):
        _evidence(now)


def _data(now: Overview) -> None:
    st.header(counted(len(now.datasets), "dataset"), anchor=False)
    for info in now.datasets[:NEWEST]:
        link("datasets", f"{info.name} v{info.version} · {info.rows:,} rows", icon=None, dataset=info.name)
    link("datasets", "Import data", icon=":material/upload:")


def _models(now: Overview) -> None:
    running = sum(run.job.live for run in now.runs)
    st.header(counted(len(now.runs), "run") + (f", {running} live" if running else ""), anchor=False)
    for run in now.runs[:NEWEST]:
        with st.container(horizontal=True, vertical_alignment="center"):
            link("runs", run.id, icon=None, run=run.id)
            state_badge(run.status)
    link("train", "Train a model")


def _evidence(now: Overview) -> None:
    open_votes = sum(ballot.open for ballot in now.ballots)
    more = f", {counted(open_votes, 'vote')} open" if open_votes else ""
    st.header(counted(len(now.comparisons), "comparison") + more, anchor=False)
    for comparison in now.comparisons[:NEWEST]:
        with st.container(horizontal=True, vertical_alignment="center"):
            who = comparison.runs or comparison.sides
            label = (
                f"{who[0] if len(who) == 1 else counted(len(who), 'side')} on {comparison.dataset or comparison.asked}"
            )
            link("compare", escape(label), icon=None, comparison=str(comparison.id))
            if comparison.result.get("verdicts"):
                show_verdicts(comparison)
            else:
                state_badge(comparison.status)
    link("compare", "Compare base and tuned")


def show_activity(lines: list[ActivityLine]) -> None:
    """Who did what and when, newest first."""
    st.header("Recent activity", anchor=False)
    if not lines:
        st.caption("Nothing yet. What people do here is listed with who and when.")
    for line in lines:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":small[:gray[{ago(line.at)}]]", width=110)
            st.markdown(f":small[{escape(line.who)} {escape(line.what)}]", width="content")
            if line.link:
                link_stored(line.link, ":small[open]")
