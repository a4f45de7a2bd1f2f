"""How the panes are asked: how tokens are chosen, how long an answer may be, and the system prompt."""

from __future__ import annotations

from typing import Any

import streamlit as st

DEFAULTS: dict[str, Any] = {"max_new_tokens": 128, "temperature": 0.0, "top_p": 1.0, "seed": 0}
_SAMPLING, _SYSTEM = "playground-sampling", "playground-system"
_GREEDY = "Does nothing while the temperature is 0."


def sampling() -> dict[str, Any]:
    """The settings in force; they last as long as the session."""
    found: dict[str, Any] = st.session_state.get(_SAMPLING, DEFAULTS)
    return found


def system() -> str:
    """The system prompt; empty for none."""
    text: str = st.session_state.get(_SYSTEM, "")
    return text


def in_words(settings: dict[str, Any]) -> str:
    """`greedy · 128 tokens`, or how tokens are drawn."""
    drawn = f"temperature {settings['temperature']:g} · top-p {settings['top_p']:g} · seed {settings['seed']}"
    return f"{drawn if settings['temperature'] else 'greedy'} · {settings['max_new_tokens']} tokens"


def show_settings() -> None:
    """Two menus; what they are set to stands on them."""
    now = sampling()
    with st.popover(in_words(now), icon=":material/tune:", help="How tokens are chosen, and how many at most"):
        length = st.number_input(
            "New tokens at most",
            1,
            4096,
            now["max_new_tokens"],
            step=16,
            key="playground-length",
            help="Where an answer is cut. A token is about four letters of English.",
        )
        temperature = st.slider(
            "Temperature",
            0.0,
            2.0,
            now["temperature"],
            0.1,
            key="playground-temperature",
            help="0 is greedy: always the likeliest token, so that asking again gives the same. "
            "Higher: more surprising answers.",
        )
        greedy = temperature == 0
        top_p = st.slider(
            "Top-p",
            0.05,
            1.0,
            now["top_p"],
            0.05,
            key="playground-top-p",
            disabled=greedy,
            help=f"Draw only from the likeliest tokens that together have this share. {_GREEDY if greedy else ''}",
        )
        seed = st.number_input(
            "Seed",
            0,
            2**31 - 1,
            now["seed"],
            key="playground-seed",
            disabled=greedy,
            help="Equal seeds draw the same numbers in every pane, so that what differs is due to the models. "
            f"{_GREEDY if greedy else ''}",
        )
    new = {"max_new_tokens": int(length), "temperature": temperature, "top_p": top_p, "seed": int(seed)}
    st.session_state[_SAMPLING] = new
    if new != now:
        st.rerun()  # the menu's own label says it
    _system_prompt()


def _system_prompt() -> None:
    before = system()
    with st.popover(
        "System prompt" if not before.strip() else "System prompt set",
        icon=":material/settings:",
        help="Text that stands before the conversation, where a template has a place for it",
    ):
        text = st.text_area(
            "System prompt",
            value=before,
            key="playground-system-prompt",
            height=120,
            max_chars=20_000,
            placeholder="None",
            help="Holds from the next question on. A template without a place for one says so in its pane.",
        )
    st.session_state[_SYSTEM] = text
    if bool(text.strip()) != bool(before.strip()):
        st.rerun()
