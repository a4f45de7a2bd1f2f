"""A new comparison: who, on what, judged how."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib import models
from lib.errors import StudioError
from lib.formats import template_names
from lib.training import runs
from lib.words import counted, duration
from studio import person
from studio.components.comparing.begin import begin
from studio.components.comparing.draft import LIKE_THE_RUN, OWN_TEMPLATE, Draft
from studio.components.comparing.form_data import choose_data
from studio.components.comparing.form_settings import choose_settings
from studio.components.errors import show
from studio.components.links import go
from studio.components.text import escape, typed

Slots = dict[str, "st.delta_generator.DeltaGenerator"]


def usable_runs() -> list[str]:
    """Runs that have an adapter, newest first."""
    return [view.id for view in runs.list_runs() if view.has_adapter]


def show_form(usable: list[str], asked: str) -> None:
    """The fields, the faults beside them, and the button."""
    slots: Slots = {}
    chosen, base, others = _who(usable, asked, slots)
    data = choose_data(chosen, slots)
    draft = Draft(tuple(chosen), base, others, settings={}, **data)
    draft = replace(draft, settings=choose_settings(slots, begin(draft)))
    faults = draft.faults()
    for name, fault in faults.items():
        slots.get(name, slots["end"]).markdown(f":small[:red[:material/error: {escape(fault)}]]")
    with slots["end"], st.container(horizontal=True, vertical_alignment="center"):
        start = st.button("Compare", type="primary", icon=":material/compare_arrows:", disabled=bool(faults))
        with st.popover("As a command", icon=":material/terminal:", type="tertiary"):
            st.code(typed(draft.command()), language="bash", wrap_lines=True)
        if not faults and (pace := draft.pace()):
            minutes = round(pace.seconds / 60)
            told = counted(minutes, "minute") if minutes > 1 else duration(pace.seconds)
            st.caption(f"About {told}, {escape(pace.source)}.")
    if start:
        try:
            view = draft.start(person.name())
        except StudioError as error:
            show(error.message, error.hint)
        else:
            go("compare", comparison=str(view.id))


def _who(usable: list[str], asked: str, slots: Slots) -> tuple[list[str], bool, dict[str, str]]:
    """`asked`: a run, or several with commas between."""
    first, second = st.columns(2)
    with first:
        default = [run for run in asked.split(",") if run in usable] or usable[:1]
        chosen = st.multiselect(
            "Runs",
            usable,
            default,
            key=f"new-runs-{asked}",
            placeholder="none",
            help="One or more tuned models; each is compared with the first side.",
        )
        base = st.checkbox(
            "Their base too",
            True,
            key="new-base",
            disabled=not chosen,
            help="The base of the first run, in its template: what all are compared with.",
        )
    with second:
        names = [model.name for model in models.list_models() if not model.problem]
        picked = st.multiselect(
            "Other models",
            names,
            key="new-models",
            placeholder="none",
            help="Any model here, with a template of your choice.",
        )
        own = [LIKE_THE_RUN, OWN_TEMPLATE] if chosen else [OWN_TEMPLATE]
        others = {
            name: st.selectbox(f"Template of {escape(name)}", [*own, *template_names()], key=f"new-template-{name}")
            for name in picked
        }
    slots["who"] = st.container()
    return chosen, bool(base and chosen), others
