"""The list of runs: searched, labelled, chosen to be compared."""

from __future__ import annotations

import streamlit as st

from lib.errors import StudioError
from lib.training import labels, runs
from lib.training.runs import RunView
from lib.words import counted, duration
from studio.components.badges import state_badge
from studio.components.charts import points, spark
from studio.components.links import link
from studio.components.runs.adopting import show_adopting
from studio.components.text import ago, escape, template_words

PAGE = 20


def show_list(views: list[RunView]) -> None:
    """A line a run, newest first, some at a time."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Search",
            key="runs-search",
            icon=":material/search:",
            persist_state="session",
            placeholder="name, dataset, model, template, state, tag, note or person",
        )
        _compare_button()
        show_adopting()
    found = labels.matching(views, search)
    if not found:
        st.caption("No run has all of these words.")
        return
    _queue()
    pages = -(-len(found) // PAGE)
    number = st.pagination(pages, key=f"runs-page-{search}") if pages > 1 else 1
    for view in found[(number - 1) * PAGE : number * PAGE]:
        _line(view)
    if search:
        st.caption(f"{counted(len(found), 'run')} of {len(views):,}")


def _queue() -> None:
    """Runs that wait, in the order of their turn."""
    waiting = runs.waiting()
    if len(waiting) < 2:
        return
    with st.expander(f"{len(waiting)} runs wait for the device", icon=":material/schedule:", expanded=True):
        for place, view in enumerate(waiting):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    "First",
                    key=f"first-{view.id}",
                    icon=":material/vertical_align_top:",
                    disabled=place == 0,
                    on_click=_move,
                    args=(view.id, waiting[0].id),
                    type="tertiary",
                )
                st.button(
                    "Up",
                    key=f"up-{view.id}",
                    icon=":material/arrow_upward:",
                    disabled=place == 0,
                    on_click=_move,
                    args=(view.id, waiting[max(place - 1, 0)].id),
                    type="tertiary",
                )
                st.markdown(f"{place + 1}. **{view.id}** :small[{view.data_ref} · {escape(view.model)}]")


def _move(run_id: str, before: str) -> None:
    try:
        runs.move(run_id, before)
    except StudioError as error:  # it has begun in the meantime
        st.toast(escape(error.message), icon=":material/info:")


def picked() -> list[str]:
    """Runs that are ticked to be compared."""
    chosen: list[str] = st.session_state.setdefault("runs-picked", [])
    return chosen


def _pick(run_id: str) -> None:
    if run_id in picked():
        picked().remove(run_id)
    else:
        picked().append(run_id)


def _compare_button() -> None:
    chosen = picked()
    label = f"Compare {len(chosen)} runs" if len(chosen) > 1 else "Compare runs"
    st.button(
        label,
        icon=":material/stacked_line_chart:",
        disabled=len(chosen) < 2,
        on_click=_open,
        args=(chosen,),
        help="Tick two runs or more." if len(chosen) < 2 else None,
    )


def _open(names: list[str]) -> None:
    st.query_params["runs"] = ",".join(names)


def _line(view: RunView) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.checkbox(
            f"Compare {view.id}",
            value=view.id in picked(),
            key=f"pick-{view.id}",
            label_visibility="collapsed",
            on_change=_pick,
            args=(view.id,),
            width="content",
        )
        link("runs", f"**{view.id}**", run=view.id)
        state_badge(view.status)
        template = escape(template_words(view.template))
        st.markdown(
            f":small[{view.data_ref} · {escape(view.model)} · {template} · {_settings(view)}]",
            width="content",
        )
        _result(view)
        for tag in view.tags:
            st.badge(escape(tag), color="gray", icon=":material/sell:")
        st.markdown(f":small[:gray[{escape(view.created_by)}, {ago(view.created_at)}]]", width="content")


def _settings(view: RunView) -> str:
    """What runs differ in most."""
    config = view.config
    held = "" if config.quantization == "none" else f", {config.quantization}"
    return f"rate {config.learning_rate:g}, rank {config.r}{held}"


def _result(view: RunView) -> None:
    if "steps" in view.summary:  # one that was made elsewhere has none
        curve = spark([value for _, value in points(runs.metrics(view.id), "loss")])
        after = view.summary["eval_loss"][1]
        held_out = f"held-out loss {after:.3f} · " if after is not None else ""
        st.markdown(f":small[`{curve}` {held_out}{duration(view.summary['seconds'])}]", width="content")
    elif view.job.live:
        st.markdown(f":small[{escape(view.job.progress.get('text', ''))}]", width="content")
