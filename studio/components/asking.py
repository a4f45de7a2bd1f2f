"""One question to base and tuned, streamed side by side."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.data import datasets
from lib.errors import StudioError
from lib.inference.client import Ask, Step, ask
from lib.training.runs import RunView
from studio.components.errors import show
from studio.components.text import escape

ENDED = {"end": "ended by itself", "length": "cut at the length limit", "stopped": "stopped"}


def show_panes(run: RunView) -> None:
    """A prompt box; under it the two answers as they are written."""
    with st.form("ask", border=False, enter_to_submit=False):
        content, context = _example(run)
        question_box, input_box = st.columns([3, 2])
        prompt = question_box.text_area("Question", value=content, key=f"prompt-{run.id}", height=110)
        about = input_box.text_area(
            "Input (optional)",
            value=context,
            key=f"input-{run.id}",
            height=110,
            help="Material that the question is about; written as the template writes Alpaca's input.",
        )
        left, right, _ = st.columns([1, 1, 2], vertical_alignment="bottom")
        length = left.number_input("New tokens at most", 8, 1024, 96, step=8, key="ask-length")
        asked = right.form_submit_button("Ask both", type="primary", icon=":material/send:")
    st.caption(
        f"Greedy: the likeliest token each time, so that asking again gives the same. Written as {run.template}."
    )
    base, tuned = st.columns(2, border=True)
    base.markdown(f"**base** · {escape(run.model)}")
    tuned.markdown(f"**tuned** · {run.id}")
    if asked and not prompt.strip():
        st.warning("Write a question first.", icon=":material/edit:")
    if asked and prompt.strip():
        question = Ask(
            model=run.model,
            template=run.template,
            runs=[None, run.id],
            messages=[{"role": "user", "content": prompt, "context": about}],
            quantization=run.config.quantization,
            escape=run.config.escape_tags,
            sampling={"max_new_tokens": int(length)},
        )
        _stream(question, [base, tuned])
    else:
        for pane in (base, tuned):
            pane.caption("The answer appears here.")


def _stream(question: Ask, panes: list[Any]) -> None:
    boxes = [pane.empty() for pane in panes]
    facts = [pane.empty() for pane in panes]
    try:
        for step in ask(question):
            for box, text in zip(boxes, step.texts, strict=True):
                _draw(box, text, step.note)
            _facts(facts, step)
    except StudioError as error:
        show(error.message, error.hint)


def _draw(box: Any, text: str, note: str) -> None:
    if text.strip():
        box.text(text)
    elif note:
        box.caption(f"{note} …")
    else:
        box.caption("(empty: the model ended at once. A base does so in a template that it was not made with.)")


def _facts(facts: list[Any], step: Step) -> None:
    for fact, completion in zip(facts, step.completions, strict=False):
        if not completion["tokens"]:
            fact.caption(ENDED[completion["ended"]])
            continue
        rate = completion["tokens"] / max(completion["seconds"], 1e-6)
        fact.caption(f"{completion['tokens']} tokens · {rate:.0f} tokens/s · {ENDED[completion['ended']]}")


def _example(run: RunView) -> tuple[str, str]:
    """A held-out question to start from, with its input."""
    try:
        info = datasets.get(run.data_ref)
        split = "test" if info.splits.get("test") else None
        _, conversation = next(datasets.conversations(info, split=split, limit=1))
    except (StudioError, StopIteration):
        return "", ""
    first = next((message for message in conversation.messages if message.role == "user"), None)
    return (first.content, first.context) if first else ("", "")
