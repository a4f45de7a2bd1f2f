"""What a run answered as it learned: the same questions, step by step."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from lib.training.samples import Sample, by_question, read_samples
from lib.words import counted
from studio.components.text import directed, escape, shorten

MOST_QUESTIONS, BESIDE = 8, 3  # questions shown of several runs; answers in one line


def show_samples_beside(names: list[str]) -> None:
    """The last answer of each run to the questions that two of them or more were asked."""
    newest = {name: {prompt: found[-1] for prompt, found in by_question(read_samples(name)).items()} for name in names}
    asked = Counter(prompt for answers in newest.values() for prompt in answers)
    shared = [prompt for prompt, times in asked.items() if times > 1]
    if not shared:
        return
    st.markdown("**Sample answers**")
    for prompt in shared[:MOST_QUESTIONS]:
        with st.container(border=True):
            st.markdown(f":small[:gray[answers to]] {escape(shorten(prompt, 200))}")
            answered = [name for name in names if prompt in newest[name]]
            for first in range(0, len(answered), BESIDE):
                for cell, name in zip(st.columns(BESIDE), answered[first : first + BESIDE], strict=False):
                    with cell:
                        st.markdown(f"**{name}**")
                        _answer(newest[name][prompt])
    if (left := len(shared) - MOST_QUESTIONS) > 0:
        st.caption(f"{counted(left, 'more question')} on the pages of the runs.")


def show_samples(run_id: str) -> None:
    """Each question with its newest answer; the earlier ones on request."""
    samples = read_samples(run_id)
    if not samples:
        return
    for number, (prompt, answers) in enumerate(by_question(samples).items()):
        with st.container(border=True):
            st.markdown(f":small[:gray[sample answer to]] {escape(shorten(prompt, 200))}")
            _answer(answers[-1])
            if len(answers) > 1 and st.toggle(f"{len(answers) - 1} earlier", key=f"samples-{run_id}-{number}"):
                for answer in reversed(answers[:-1]):
                    _answer(answer)
            if answers[-1].reference:
                st.markdown(":small[:gray[reference]]")
                st.text(directed(answers[-1].reference))


def _answer(sample: Sample) -> None:
    ended = {"length": "cut at the longest sample", "refused": sample.problem}.get(sample.ended, "ended by itself")
    st.markdown(f":small[:gray[step {sample.step} · {sample.tokens} tokens, {escape(ended)}]]")
    went_on = " …" if sample.answer and sample.ended == "length" else ""
    st.text(directed(f"{sample.answer or '(nothing)'}{went_on}"))
