"""What a run answered as it learned: the same questions, step by step."""

from __future__ import annotations

import itertools

import streamlit as st

from lib.training.samples import Sample, read_samples
from studio.components.text import escape, shorten


def show_samples(run_id: str) -> None:
    """Each question with its newest answer; the earlier ones on request."""
    samples = read_samples(run_id)
    if not samples:
        return
    by_question = sorted(samples, key=lambda sample: sample.prompt)
    for prompt, found in itertools.groupby(by_question, key=lambda sample: sample.prompt):
        answers = sorted(found, key=lambda sample: sample.step)
        with st.container(border=True):
            st.markdown(f":small[:gray[sample answer to]] {escape(shorten(prompt, 200))}")
            _answer(answers[-1])
            if len(answers) > 1 and st.toggle(f"{len(answers) - 1} earlier", key=f"samples-{run_id}-{prompt[:80]}"):
                for answer in reversed(answers[:-1]):
                    _answer(answer)
            if answers[-1].reference:
                st.markdown(":small[:gray[reference]]")
                st.text(answers[-1].reference)


def _answer(sample: Sample) -> None:
    ended = {"length": "cut at the longest sample", "refused": sample.problem}.get(sample.ended, "ended by itself")
    st.markdown(f":small[:gray[step {sample.step} · {sample.tokens} tokens, {escape(ended)}]]")
    st.text(sample.answer or "(nothing)")
