"""How a comparison is judged, and how answers are made."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.evaluation.comparing.config import MOST_REPEATS
from lib.evaluation.metrics import DEFAULT_METRICS, list_metrics
from studio.components.comparing.begin import Begin
from studio.components.comparing.words import DIRECTIONS, limits

WORDS = 0.75  # that a token is, about, in English
NEEDS = {"text": "answer and reference", "loss": "reference", "answer": "answer alone"}
GREEDY, DRAWN = "greedy", "drawn"


def choose_settings(slots: dict[str, Any], first: Begin) -> dict[str, Any]:
    """The fields of `CompareConfig`, from those it begins with. A slot under each takes its fault."""
    known = list_metrics()
    left, right = st.columns([1, 3])
    with left:
        limit = st.number_input(
            "Rows at most",
            0,
            1_000_000,
            key=_beginning("new-limit", first.rows),
            help="Chosen at random, but always the same ones. 0 takes all. It begins with as many as take about three "
            "minutes: more rows show smaller differences.",
        )
        slots["limit"] = st.container()
    with right:
        metrics = st.multiselect(
            "Metrics",
            list(known),
            list(DEFAULT_METRICS),
            key="new-metrics",
            format_func=lambda name: known[name].label,
            help="Rules and metric folders of your team are among them.",
        )
        slots["metrics"] = st.container()
    _meaning(metrics)
    length = st.container()
    decoding = _decoding(slots, first)
    length.caption(_length(decoding["max_new_tokens"], first.needed))
    slots["end"] = st.container()
    return {"limit": int(limit), "metrics": tuple(metrics), **decoding}


def _meaning(chosen: list[str]) -> None:
    """What each chosen metric measures."""
    opened = st.expander(
        "What these metrics measure", icon=":material/straighten:", key="new-meaning", on_change="rerun"
    )
    if opened.open:
        known = list_metrics()
        rows = [
            {
                "metric": known[name].label,
                "measures": known[name].help,
                "range": limits(known[name]),
                "direction": DIRECTIONS[known[name].higher_is_better],
                "needs": NEEDS[known[name].needs],
                "signature": known[name].signature,
            }
            for name in chosen
        ]
        opened.dataframe(rows, hide_index=True, key="new-meanings", alt="Metrics with range, direction and signature")


def _beginning(key: str, first: int) -> str:
    """The key of a field that holds `first`, also when that changes, until something else is typed there."""
    before = st.session_state.get(f"{key}-first")
    if st.session_state.get(key, before) == before:
        st.session_state[key] = first
    st.session_state[f"{key}-first"] = first
    return key


def _length(tokens: int, needed: int | None) -> str:
    """What the longest answer means beside the references."""
    about = f"{tokens:,} tokens, about {round(tokens * WORDS, -1):,.0f} words"
    if needed is None:
        return f":material/content_cut: Answers are cut at {about}."
    fits = "fit in that" if needed <= tokens else f"need up to {needed:,}: longer answers are cut"
    return f":material/content_cut: Answers are cut at {about}; nine in ten reference answers {fits}."


def _decoding(slots: dict[str, Any], first: Begin) -> dict[str, Any]:
    with st.expander("How answers are made", icon=":material/tune:", key="new-decoding"):
        how = st.segmented_control(
            "Words are",
            [GREEDY, DRAWN],
            default=GREEDY,
            required=True,
            key="new-how",
            help="Greedy: the likeliest each time, so that a repeat gives the same. Drawn: by chance, as in a chat.",
        )
        found: dict[str, Any] = {}
        if how == DRAWN:
            columns = st.columns(4)
            fields = {
                "temperature": ("Temperature", 0.01, 5.0, 0.7, "The higher, the more freely words are drawn."),
                "top_p": ("Top-p", 0.01, 1.0, 0.95, "Draw only from the likeliest that together have this share."),
                "seed": ("Seed", 0, 2**31, 0, "Every side draws the same numbers."),
                "repeats": ("Repeats", 1, MOST_REPEATS, 1, "Ask so often, with other seeds: shows how much is noise."),
            }
            for column, (name, (label, low, high, value, help_text)) in zip(columns, fields.items(), strict=True):
                with column:
                    found[name] = st.number_input(label, low, high, value, key=f"new-{name}", help=help_text)
                    slots[name] = st.container()
        tokens, system = st.columns([1, 3])
        with tokens:
            found["max_new_tokens"] = st.number_input(
                "New tokens at most",
                1,
                8192,
                key=_beginning("new-tokens", first.tokens),
                help="Where an answer is cut off, if it has not ended; a token is a word or part of one. It begins "
                "with what nine in ten of the reference answers need, up to 256; more takes longer.",
            )
            slots["max_new_tokens"] = st.container()
        found["system"] = system.text_input(
            "System prompt", key="new-system", placeholder="none", help="For all questions that have none."
        )
    return found
