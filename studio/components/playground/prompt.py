"""The field for the next question, and what can be done with the answers that there are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.data import datasets
from lib.errors import StudioError
from lib.inference.talk import WRITTEN, Talk
from lib.training import runs
from studio.components.playground import held
from studio.components.playground.keeping import keep_as_prompt, keep_as_row
from studio.components.playground.panes import Pane


def show_prompt(talk: Talk, panes: Sequence[Pane]) -> None:
    """Question and input, with the one button that asks."""
    content, context = ("", "") if talk.turns else _example(panes)
    with st.form("playground-ask", border=False):
        question_box, input_box = st.columns([3, 2])
        question_box.text_area(
            "Question",
            value=content,
            key=held.field("prompt"),
            height=100,
            placeholder="Go on, or ask something else" if talk.turns else "Ask something",
        )
        input_box.text_area(
            "Input (optional)",
            value=context,
            key=held.field("input"),
            height=100,
            help="Material that the question is about; written as the template writes Alpaca's input.",
        )
        if held.asked_nothing():
            st.warning("Write a question first.", icon=":material/edit:")
        st.form_submit_button(
            "Ask",
            type="primary",
            icon=":material/send:",
            on_click=held.send,
            disabled=talk.going or not _able(panes),
            help="Asks all panes. Ctrl + Enter in the question does the same.",
        )


def show_tools(talk: Talk, panes: Sequence[Pane]) -> bool:
    """Marking, keeping, starting over; returns whether words that differ are to be marked."""
    if not talk.turns:
        return False
    written = any(answer.ended in WRITTEN for turn in talk.turns for answer in turn.answers.values())
    with st.container(horizontal=True, vertical_alignment="center", key="playground-tools"):
        marked = len(panes) > 1 and st.toggle(
            "Mark words that differ",
            key="playground-marked",
            persist_state="session",
            help="Underlines what an answer says and the first pane's does not.",
        )
        for label, icon, key, opens, about in (
            ("Keep as row", ":material/playlist_add:", "K", keep_as_row, "Adds question and answer to a dataset."),
            (
                "Keep as test prompt",
                ":material/bookmark_add:",
                "T",
                keep_as_prompt,
                "Adds the question to a prompt set, to be asked again in comparisons.",
            ),
        ):
            if st.button(label, icon=icon, shortcut=key, disabled=talk.going or not written, help=about):
                opens(talk, panes)
        st.button(
            "Start over",
            icon=":material/restart_alt:",
            type="tertiary",
            on_click=held.restart,
            help="Empties the conversation.",
        )
    return bool(marked)


def _able(panes: Sequence[Pane]) -> bool:
    return any(pane.side is not None for pane in panes)


def _example(panes: Sequence[Pane]) -> tuple[str, str]:
    """A held-out question of the first run's data to start from, with its input."""
    run = next((pane.side.run for pane in panes if pane.side and pane.side.run), None)
    if run is None:
        return "", ""
    try:
        info = datasets.get(runs.get(run).data_ref)
        split = "test" if info.splits.get("test") else None
        _, conversation = next(datasets.conversations(info, split=split, limit=1))
    except (StudioError, StopIteration):
        return "", ""
    first = next((message for message in conversation.messages if message.role == "user"), None)
    return (first.content, first.context) if first else ("", "")
