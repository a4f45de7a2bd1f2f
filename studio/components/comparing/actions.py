"""What can be done with a comparison: vote on it, take it away, write a note, delete it, go on with it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lib.errors import StudioError
from lib.evaluation import comparisons, history, votes
from lib.evaluation.comparisons import ComparisonView
from studio import person
from studio.components.comparing import place
from studio.components.errors import show
from studio.components.links import go, link
from studio.components.text import escape


def show_actions(view: ComparisonView) -> None:
    """A row of buttons and links."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if view.result and not view.job.live:
            link("vote", "Blind vote", comparison=str(view.id))
            for ballot in votes.list_ballots():
                if ballot.comparison == view.id:
                    link("vote", "Vote under way" if ballot.open else "Result of a vote", ballot=ballot.id)
        if view.runs:
            link("playground", "Ask both", run=view.runs[0])
        if view.result:
            _downloads(view)
        with st.popover("Note", icon=":material/edit_note:", type="tertiary"):
            text = st.text_area(
                "Note",
                view.note,
                key=f"compare-note-{view.id}",
                max_chars=history.LONGEST_NOTE,
                placeholder="what it is for, what came of it",
            )
            st.button("Keep it", key="compare-note-keep", on_click=_note, args=(view.id, text))
        if not view.job.live:
            delete_popover(view)


def _downloads(view: ComparisonView) -> None:
    kinds = {
        "Report": (
            partial(_report, view.id, view.sides[0]),
            "html",
            "text/html",
            "One HTML file with figures and examples.",
        ),
        "CSV": (partial(history.export_csv, view.id), "csv", "text/csv", "Every question with all answers and values."),
        "JSON": (partial(history.export_json, view.id), "json", "application/json", "Settings, figures and answers."),
    }
    for label, (made, ending, mime, help_text) in kinds.items():
        st.download_button(
            label,
            made,
            f"comparison-{view.id}.{ending}",
            mime,
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            key=f"compare-{ending}",
            help=help_text,
        )


def _report(number: int, base: str) -> bytes:
    from lib.evaluation.report import export_html  # read only when it is asked for

    return export_html(number, base=base)


def _note(number: int, text: str) -> None:
    try:
        history.set_note(number, text, person.name())
    except StudioError as error:
        st.toast(escape(f"{error.message} {error.hint}"), icon=":material/error:")
    else:
        st.toast("The note is kept.", icon=":material/check:")


def delete_popover(view: ComparisonView) -> None:
    """A button that asks before it deletes."""
    with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"delete-{view.id}"):
        st.markdown(f"Comparison {view.id} goes with all its answers and figures.")
        st.button("Delete for good", key=f"delete-now-{view.id}", type="primary", on_click=_delete, args=(view.id,))


def _delete(number: int) -> None:
    try:
        history.delete(number, person.name())
    except StudioError as error:
        st.toast(escape(f"{error.message} {error.hint}"), icon=":material/error:")
        return
    st.toast(f"Comparison {number} is deleted.", icon=":material/check:")
    if place.number("comparison") == number:
        st.query_params.clear()


def longer_button(view: ComparisonView) -> None:
    """The same again, where so many answers ran into the limit that they are hard to judge."""
    limit = 2 * view.settings.max_new_tokens
    if st.button(
        f"Ask again for up to {limit:,} tokens",
        icon=":material/restart_alt:",
        key="compare-longer",
        help="A new comparison of the same models on the same questions. It takes up to twice as long as this one.",
    ):
        try:
            again = comparisons.ask_again(view.id, person.name(), max_new_tokens=limit)
        except StudioError as error:
            show(error.message, error.hint)
        else:
            go("compare", comparison=str(again.id))


def resume_button(view: ComparisonView) -> None:
    """Go on where it ended."""
    if st.button(
        "Resume",
        type="primary",
        icon=":material/resume:",
        key="compare-resume",
        help="What was answered stays as it is; only the rest is asked.",
    ):
        try:
            comparisons.resume(view.id, person.name())
        except StudioError as error:
            show(error.message, error.hint)
        else:
            st.rerun()
