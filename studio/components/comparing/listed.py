"""All comparisons, newest first: what was asked of whom, what came out, and what was noted."""

from __future__ import annotations

import streamlit as st

from lib.evaluation.advice import in_short
from lib.evaluation.comparisons import ComparisonView
from lib.words import counted
from studio.components.badges import state_badge
from studio.components.comparing import place
from studio.components.comparing.actions import delete_popover
from studio.components.comparing.words import VERDICTS
from studio.components.links import link
from studio.components.text import ago, escape, shorten

PAGE = 15


def show_list(views: list[ComparisonView]) -> None:
    """A line a comparison, some at a time."""
    search = place.search("find", "Search", "number, side, dataset, prompt set, state, verdict, note or person")
    found = [view for view in views if matches(view, search)]
    if not found:
        st.caption("No comparison has all of these words.")
        return
    if search:
        st.caption(f"{counted(len(found), 'comparison')} of {len(views):,}")
    number = place.pages(-(-len(found) // PAGE))
    for view in found[(number - 1) * PAGE : number * PAGE]:
        _line(view)


def matches(view: ComparisonView, search: str) -> bool:
    """Whether it has every word of the search."""
    verdicts = (verdict["verdict"] for verdict in view.result.get("verdicts", {}).values())
    parts = [str(view.id), view.asked, *view.sides, view.status, *verdicts, view.note, view.created_by]
    text = "\n".join(parts).lower()
    return all(word in text for word in search.lower().split())


def _line(view: ComparisonView) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        base, *tuned = view.sides or ["nobody"]
        title = f"**{view.id} · {escape(', '.join(tuned))}** against {escape(base)}"
        link("compare", title, icon=None, comparison=str(view.id))
        state_badge(view.status)
        show_verdicts(view)
        rows = f", {counted(view.result['rows'], 'row')}" if view.result.get("rows") else ""
        st.markdown(f":small[{escape(view.asked)}{rows}]", width="content")
        if view.note:
            st.markdown(f":small[:material/edit_note: {escape(shorten(view.note, 100))}]", width="content")
        st.markdown(f":small[:gray[{escape(view.created_by)}, {ago(view.created_at)}]]", width="content")
        if not view.job.live:
            delete_popover(view)


def show_verdicts(view: ComparisonView) -> None:
    """The verdict on each tuned side, in a word."""
    verdicts = view.result.get("verdicts", {})
    for side, verdict in list(verdicts.items())[:3]:
        found = in_short(view, side) or verdict["verdict"]
        words, colour, icon = VERDICTS.get(found, (found, "gray", ":material/help:"))
        name = f"{escape(side)} " if len(verdicts) > 1 else ""
        st.badge(f"{name}{escape(words.partition(' ')[2] or words)}", color=colour, icon=icon)
