"""Questions and answers: a row for each question, a column for each pane, and the last row as it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from lib.inference.talk import Answer, Talk, Turn
from lib.words import counted
from studio.components.errors import show
from studio.components.playground import held
from studio.components.playground.panes import Pane
from studio.components.text import directed, escape
from studio.components.text_diff import show_marked

ENDED = {"end": "ended by itself", "length": "cut at the limit", "stopped": "stopped"}
ABREAST = 4  # panes in a row


def show_turns(talk: Talk, panes: Sequence[Pane], marked: bool) -> dict[str, Any]:
    """Draw the conversation; returns the places for the answers of the last question, by pane."""
    boxes: dict[str, Any] = {}
    for number, turn in enumerate(talk.turns):
        last = number == len(talk.turns) - 1
        _question(turn, number, talk.going, last)
        boxes = _answers(talk, turn, panes, f"{held.fresh()}-{number}", marked and not (last and talk.going))
        if turn.fault:
            show(*turn.fault)
        left_out = any(pane.side is not None and pane.key not in turn.answers for pane in panes)
        if last and not talk.going and (turn.fault or left_out):
            st.button(
                "Ask again",
                icon=":material/refresh:",
                on_click=held.again,
                key="ask-again",
                help="Asks all panes this question once more.",
            )
    return boxes


def show_empty(panes: Sequence[Pane]) -> None:
    """The panes before anything was asked."""
    for pane, cell in _cells(panes):
        with cell:
            _head(pane)
            if pane.fault:
                show(pane.fault.message, pane.fault.hint)
            else:
                st.caption("The answer appears here.")


def stream(panes: Sequence[Pane], boxes: dict[str, Any]) -> None:
    """Draw answers as they come, to the end; then the page is drawn anew."""
    drawn: dict[str, Answer] = {}
    for answers in held.stream(panes):
        for key, answer in answers.items():
            if key in boxes and drawn.get(key) != answer:
                _draw(boxes[key], answer)
                drawn[key] = answer
        if boxes:
            next(iter(boxes.values()))["alive"].empty()  # here a press of Stop takes hold
    st.rerun()


def _question(turn: Turn, number: int, going: bool, last: bool) -> None:
    if held.editing() == number and not going:
        _editor(turn, number)
        return
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        st.markdown(":gray[:material/person:]", width=24)
        with st.container(width="stretch", gap="xsmall"):
            st.text(directed(turn.content))
            if turn.context:
                st.caption("input")
                st.text(directed(turn.context))
        if going and last:  # above the answers: what is below them moves while they are written, under the mouse too
            st.button(
                "Stop",
                icon=":material/stop:",
                key="playground-stop",
                on_click=held.stop,
                help="What was written stays.",
            )
            return
        st.button(
            "Edit",
            icon=":material/edit:",
            type="tertiary",
            key=f"edit-{number}",
            disabled=going,
            on_click=held.edit,
            args=(number,),
            help="Change this question and send it again; what came after it goes.",
        )


def _editor(turn: Turn, number: int) -> None:
    with st.container(border=True):
        st.text_area("Question", value=turn.content, key=held.field("prompt", number), height=100)
        if turn.context:
            st.text_area("Input (optional)", value=turn.context, key=held.field("input", number), height=80)
        with st.container(horizontal=True):
            st.button("Send again", type="primary", icon=":material/send:", on_click=held.send, args=(number,))
            st.button("Leave it", on_click=held.edit, args=(None,))


def _cells(panes: Sequence[Pane]) -> Iterator[tuple[Pane, Any]]:
    for start in range(0, len(panes), ABREAST):
        row = panes[start : start + ABREAST]
        yield from zip(row, st.columns(len(row), border=True), strict=True)


def _answers(talk: Talk, turn: Turn, panes: Sequence[Pane], key: str, marked: bool) -> dict[str, Any]:
    first = turn.answers.get(panes[0].key) if panes else None
    boxes: dict[str, Any] = {}
    for pane, cell in _cells(panes):
        with cell:
            _head(pane)
            boxes[pane.key] = {name: st.empty() for name in ("text", "facts", "alive")}
            answer = turn.answers.get(pane.key)
            if pane.fault:
                with boxes[pane.key]["text"].container():
                    show(pane.fault.message, pane.fault.hint)
            elif answer is None:
                boxes[pane.key]["text"].caption("Waiting …" if talk.going else "Was not asked this.")
            else:
                against = first.text if marked and first and first.text and pane is not panes[0] else None
                _draw(boxes[pane.key], answer, against, f"{key}-{pane.key}")
            if turn is talk.turns[-1] and answer is not None and (unseen := talk.unseen(pane.key)):
                st.caption(f"Knows nothing of {counted(unseen, 'earlier question')}, which it did not answer.")
    return boxes


def _head(pane: Pane) -> None:
    st.markdown(f"**{escape(pane.name)}** :small[:gray[{pane.kind} · {escape(pane.asked)}]]")


def _draw(boxes: dict[str, Any], answer: Answer, against: str | None = None, key: str = "") -> None:
    """An answer as far as it is; with `against`, the words that are not in that are marked."""
    if answer.ended == "refused" and not answer.text:
        with boxes["text"].container():
            show(answer.message, answer.hint)
        return
    if answer.text.strip() and against is not None:
        with boxes["text"].container():
            show_marked(answer.text, against, key=f"marked-{key}")
    elif answer.text.strip():
        boxes["text"].text(answer.text)
    elif answer.ended == "stopped":
        boxes["text"].caption("(stopped before it wrote anything)")
    elif answer.ended:
        boxes["text"].caption("(empty: it ended at once, as a base may in a template that it was not made with)")
    else:
        boxes["text"].caption(f"{answer.note or 'thinking'} …")
    if answer.ended == "refused":
        with boxes["facts"].container():
            show(answer.message, answer.hint)
    elif answer.tokens:
        ended = f" · {ENDED[answer.ended]}" if answer.ended else ""
        boxes["facts"].caption(f"{counted(answer.tokens, 'token')} · {answer.rate:.0f} tokens/s{ended}")
