"""One comparison: live while it goes; then the verdict, the figures, and what they are made of."""

from __future__ import annotations

import streamlit as st

from lib.errors import StudioError
from lib.evaluation.best import best_in_words
from lib.evaluation.comparisons import ComparisonView
from lib.training import runs
from lib.words import counted
from studio.components.badges import state_badge
from studio.components.comparing import place
from studio.components.comparing.actions import resume_button, show_actions
from studio.components.comparing.choices import measured, reference_choice, side_choice
from studio.components.comparing.examples_view import show_examples
from studio.components.comparing.figures import show_figures, show_verdict
from studio.components.comparing.history_view import show_history
from studio.components.comparing.slices_view import show_slices
from studio.components.comparing.trust import show_trust
from studio.components.errors import show_job_error
from studio.components.frame import Place, chain_bar
from studio.components.job import follow
from studio.components.links import link
from studio.components.text import ago, escape

PARTS = ("Examples", "Slices", "Another comparison")


def show_comparison(stored: ComparisonView) -> None:
    """Draw it."""
    view = measured(stored)
    chain_bar(_chain(view))
    _head(view)
    if view.job.live:
        follow(view.job.id, "answers", "Stop and keep")
        show_actions(view)
        return
    show_job_error(view.job.error)
    if view.resumable:
        resume_button(view)
    if not view.result:
        st.caption("It has no result: it ended before its first answers were whole.")
        show_actions(view)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reference_choice(stored)
        tuned = side_choice(view)
    show_verdict(view, tuned)
    show_actions(view)
    if leaders := best_in_words(view):
        st.caption(f":material/leaderboard: {escape(leaders)}")
    show_figures(view, tuned)
    show_trust(view)
    _drill(view, tuned)


def _chain(view: ComparisonView) -> Place:
    run = next(iter(view.runs), "")
    template = ""
    try:
        template = runs.get(run).template if run else ""
    except StudioError:  # the run is gone; its comparison is not
        run = ""
    done = bool(view.result) and not view.job.live
    return Place(
        dataset=view.data_ref,
        template=template if view.data_ref else "",
        run=run,
        comparison=str(view.id),
        next_page="vote" if done else "",
        next_label="Vote on it",
    )


def _head(view: ComparisonView) -> None:
    link("compare", "All comparisons", icon=":material/arrow_back:")
    base, *tuned = [escape(side) for side in view.sides] or ["nobody"]
    rows = f", {counted(view.result['rows'], 'row')}" if view.result.get("rows") else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(f"{' and '.join(tuned)} against {base} on {escape(view.asked)}{rows}", anchor=False, width="content")
        if not view.job.live:  # the bar below says how far it is
            state_badge(view.status)
    how = view.result.get("decoding") or view.settings.decoding
    st.caption(
        f"comparison {view.id} · {escape(view.created_by)}, {ago(view.created_at)} · {escape(how)}"
        + (f" · {escape(view.note)}" if view.note else "")
    )


def _drill(view: ComparisonView, tuned: list[str]) -> None:
    part = place.switch("part", "Look closer", PARTS, PARTS[0])
    if part == "Another comparison":
        show_history(view)
        return
    if not tuned:
        st.caption("It has one side only.")
        return
    side = tuned[0]
    if len(tuned) > 1:
        st.caption(f"Of {escape(side)}; choose another side above.")
    if part == "Slices":
        show_slices(view, side)
    else:
        show_examples(view, side)
