"""Several runs: their curves on one chart, the settings that differ, how they ended, what they answered."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.errors import StudioError
from lib.training import runs
from lib.training.runs import RunView
from lib.words import duration, memory
from studio.components.badges import state_badge
from studio.components.charts import loss_chart, smoothing
from studio.components.links import link
from studio.components.runs.samples import show_samples_beside
from studio.components.text import escape, template_words

FACTS = ("data", "model", "template")


def show_side_by_side(names: list[str]) -> None:
    """The runs that the address names; those that are not there any more are said."""
    views = []
    for name in names:
        try:
            views.append(runs.get(name))
        except StudioError as error:
            st.warning(f"{escape(error.message)} {escape(error.hint)}", icon=":material/link_off:")
    st.button("All runs", icon=":material/arrow_back:", on_click=st.query_params.clear)
    if not views:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for view in views:
            link("runs", f"**{view.id}**", run=view.id)
            state_badge(view.status)
    able = [view.id for view in views if view.has_adapter and not view.job.live]
    if able:
        link("compare", "Compare their answers", run=",".join(able))
    _curves(views)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Settings that differ**")
        _table(differing(views), [view.id for view in views], "setting", "All settings are the same.")
    with right:
        st.markdown("**Results**")
        _table(_results(views), [view.id for view in views], "figure", "None has ended yet.")
    show_samples_beside([view.id for view in views])


def differing(views: list[RunView]) -> dict[str, list[Any]]:
    """Setting -> its value in each run, for those that are not the same in all."""
    rows = {name: [_fact(view, name) for view in views] for name in FACTS}
    for name in views[0].config.to_dict():
        rows[name] = [view.config.to_dict()[name] for view in views]
    return {name: values for name, values in rows.items() if any(value != values[0] for value in values)}


def _fact(view: RunView, name: str) -> str:
    return {"data": view.data_ref, "model": view.model, "template": template_words(view.template)}[name]


def _curves(views: list[RunView]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        log = st.toggle("Log scale", key="curves-log", persist_state="session")
        smooth = smoothing("curves-smooth", "some")
    loss_chart({view.id: runs.metrics(view.id) for view in views}, key="curves", log=log, smooth=smooth)


def _results(views: list[RunView]) -> dict[str, list[Any]]:
    summaries = [view.summary if "steps" in view.summary else {} for view in views]  # none of those made elsewhere
    if not any(summaries):
        return {}

    def each(read: Any) -> list[str]:
        return [read(summary) if summary else "–" for summary in summaries]

    def held_out(place: int) -> list[str]:
        values = [summary["eval_loss"][place] if summary else None for summary in summaries]
        return ["–" if value is None else f"{value:.4f}" for value in values]

    return {
        "held-out loss before": held_out(0),
        "held-out loss after": held_out(1),
        "steps": each(lambda one: f"{one['steps']:,}"),
        "tokens": each(lambda one: f"{one['tokens']:,}"),
        "tokens/s": each(lambda one: f"{one['tokens_per_second']:,.0f}"),
        "time": each(lambda one: duration(one["seconds"])),
        "peak memory": each(lambda one: memory(one["peak_memory_bytes"])),
    }


def _table(rows: dict[str, list[Any]], names: list[str], first: str, nothing: str) -> None:
    if not rows:
        st.caption(nothing)
        return
    table = [{first: row, **dict(zip(names, map(str, values), strict=True))} for row, values in rows.items()]
    st.dataframe(table, hide_index=True, alt=f"Each {first} by run")
