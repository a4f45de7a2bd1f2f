"""The first view of the page: a form for a new comparison, and all that were made."""

from __future__ import annotations

import streamlit as st

from lib import models
from lib.evaluation import comparisons
from lib.training import runs
from studio.components.comparing.form import show_form, usable_runs
from studio.components.comparing.listed import show_list
from studio.components.frame import empty_state
from studio.components.links import link
from studio.components.text import escape


def show_overview() -> None:
    """Draw it; `?run=` (several with commas) or `?asked=`, a prompt set, in the address opens the form with it."""
    views, usable = comparisons.list_comparisons(), usable_runs()
    asked = st.query_params.get("run", "")
    named = [run for run in asked.split(",") if run]
    for run in named:
        if run not in usable:
            st.warning(f"The run {escape(run)} has no adapter to compare.", icon=":material/link_off:")
    named = [run for run in named if run in usable]
    asked = ",".join(named)
    if not usable and not views and len(models.list_models()) < 2:
        if any(view.job.live for view in runs.list_runs()):
            empty_state(
                "Nothing to compare yet: a run is being trained, or waits for its turn.", "runs", "See how far it is"
            )
            return
        empty_state(
            "Nothing to compare yet: train a run first. First look takes some minutes.",
            "train",
            "Train First look",
        )
        return
    linked = asked or st.query_params.get("asked", "")
    opened = st.expander(
        "New comparison",
        icon=":material/add:",
        expanded=bool(linked) or not views,
        key=f"new-comparison-{linked}",
        on_change="rerun",
    )
    if opened.open:
        with opened:
            show_form(usable, asked)
    if usable:
        link("playground", "Ask one question instead", run=named[0] if named else usable[0])
    if views:
        show_list(views)
    else:
        st.caption("All sides answer the same questions; then who is better, by how much and how sure stands here.")
