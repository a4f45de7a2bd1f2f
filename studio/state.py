"""What outlives a page: the objects in hand, in the address (so a link carries them) and in the session.

The address wins: a link or a reload shows what it says. Without one, the last choice of this session holds.
Streamlit's own `bind="query-params"` was tried and left: it drops the parameters that a page link brings along.
"""

from __future__ import annotations

from typing import Literal

import streamlit as st

Key = Literal[
    "dataset",
    "template",
    "model",
    "tokenizer",
    "run",
    "view",
    "comparison",
    "length",
    "long",
    "escape",
    "row",
    "way",
    "other",
    "part",
    "lint",
    "panes",
]


def get(key: Key) -> str:
    """The object in hand; empty when there is none."""
    return st.query_params.get(key) or st.session_state.get(_slot(key), "")


def put(key: Key, value: str) -> None:
    """Hold on to an object, here and on the next pages."""
    st.session_state[_slot(key)] = value
    if st.query_params.get(key) != value:
        st.query_params[key] = value


def forget(key: Key) -> None:
    """Let go of an object."""
    st.session_state.pop(_slot(key), None)
    st.query_params.pop(key, None)


def choice(key: Key, options: list[str], default: str) -> tuple[str, str]:
    """The value to show in a chooser and the key for its widget, which is made to show it.

    Give the widget that key, `on_change=state.chosen` and `args=(key,)`; then `put` what it returns.
    """
    value = get(key)
    value = value if value in options else default
    widget = f"choose-{key}"
    # Always set: on another page the same key is another widget, which would start with its first option.
    st.session_state[widget] = value
    return value, widget


def chosen(key: Key) -> None:
    """Callback of a chooser: the person's choice goes into the address before the page is drawn."""
    value = st.session_state.get(f"choose-{key}")
    if value:
        put(key, value)


def _slot(key: Key) -> str:
    return f"in-hand-{key}"


def enter(page: str) -> None:
    """Note which page is drawn; called once a run, before it is."""
    st.session_state["page-before"] = st.session_state.get("page-now", "")
    st.session_state["page-now"] = page
    st.session_state["links-drawn"] = 0


def is_on(page: str) -> bool:
    """Whether that page is being drawn; `home` has the bare address."""
    return bool(st.session_state.get("page-now") == ("" if page == "home" else page))


def next_number() -> int:
    """Numbers the links within a page, from 1 in each run."""
    st.session_state["links-drawn"] += 1
    return int(st.session_state["links-drawn"])


def just_arrived() -> bool:
    """Whether the person was on another page, or nowhere, before this run."""
    return bool(st.session_state.get("page-before") != st.session_state.get("page-now"))


def remember(key: Key, value: str) -> None:
    """Hold on to an object without a word in the address: what the page would choose by itself."""
    st.session_state[_slot(key)] = value
