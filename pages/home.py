"""Home: where things stand and the one thing to do next."""

import streamlit as st

from lib import overview
from lib.words import counted
from studio.components.badges import state_badge
from studio.components.frame import header
from studio.components.links import go, link, link_stored
from studio.components.text import ago, escape

header("home", "Curate a dataset, fine-tune a model on it, and see with evidence whether the tuned one is better.")
now = overview.read()

with st.container(horizontal=True):
    if now.starter_ready:
        st.badge("starter model ready", icon=":material/check:", color="green")
    else:
        st.badge("no starter model", icon=":material/warning:", color="orange", help="Run `make setup` once.")
    if now.worker_alive:
        queue_text = f"{now.live_jobs} in the queue" if now.live_jobs else "queue empty"
        st.badge(queue_text, icon=":material/playlist_play:", color="blue" if now.live_jobs else "gray")
    else:
        st.badge("no worker", icon=":material/warning:", color="red", help="Start the studio with `make run`.")

step = overview.next_step(now)
with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.markdown(f"**Next:** {escape(step.text)}", width="content")
    if st.button(step.label, type="primary", icon=":material/arrow_forward:", key="next"):
        go(step.page, **step.parameters)

data, models, evidence = st.columns(3)
with data, st.container(border=True, height="stretch"):
    st.subheader(counted(len(now.datasets), "dataset"), anchor=False)
    for info in now.datasets[:3]:
        link("datasets", f"{info.name} v{info.version} · {info.rows:,} rows", icon=None, dataset=info.name)
    link("datasets", "Import data", icon=":material/upload:")
with models, st.container(border=True, height="stretch"):
    running = sum(run.job.live for run in now.runs)
    st.subheader(counted(len(now.runs), "run") + (f", {running} live" if running else ""), anchor=False)
    for run in now.runs[:3]:
        with st.container(horizontal=True, vertical_alignment="center"):
            link("runs", run.id, icon=None, run=run.id)
            state_badge(run.status)
    link("train", "Train a model")
with evidence, st.container(border=True, height="stretch"):
    st.subheader(counted(len(now.comparisons), "comparison"), anchor=False)
    for comparison in now.comparisons[:3]:
        with st.container(horizontal=True, vertical_alignment="center"):
            label = f"{', '.join(comparison.runs or comparison.sides)} on {comparison.dataset or comparison.asked}"
            link("compare", label, icon=None, comparison=str(comparison.id))
            state_badge(comparison.status)
    link("compare", "Compare base and tuned")

st.subheader("Recent activity", anchor=False)
if not now.activity:
    st.caption("Nothing yet. What people do here is listed with who and when.")
for line in now.activity:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[:gray[{ago(line.at)}]]", width=110)
        st.markdown(f":small[{escape(line.who)} {escape(line.what)}]", width="content")
        if line.link:
            link_stored(line.link, ":small[open]")
