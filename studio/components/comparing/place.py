"""What a person looks at on the Compare page. It lives in the address, so that a link or a reload shows the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

NARROWING = {"base", "side", "metric", "by", "group", "order", "outcome", "leaked", "find"}
"""Names whose change shows other examples: from their first page, with none open."""
_SENT = "compare-address"
LONGEST = 400  # characters of a value in the address


def get(name: str, default: str = "") -> str:
    """A value in the address."""
    return st.query_params.get(name, "") or default


def number(name: str) -> int | None:
    """A whole number in the address; None where there is none."""
    found = get(name)
    return int(found) if found.isdecimal() and len(found) < 16 else None


def put(**values: str) -> None:
    """Change the address in one step, which is one press of Back; empty values leave it."""
    if NARROWING & set(values):
        values = {"page": "", "row": ""} | values
    there = {name: st.query_params[name] for name in st.query_params if name not in values}
    _send(there | {name: value[:LONGEST] for name, value in values.items() if value})


def hold() -> None:
    """Have the browser show the address that this page was asked by: a link from the page to itself reaches the
    script, but leaves the address bar as it was, and the next click would then ask for the old one."""
    now = st.query_params.to_dict()
    if st.session_state.get(_SENT) != now:
        _send(now)


def _send(wanted: dict[str, str]) -> None:
    st.session_state[_SENT] = wanted
    st.query_params.from_dict(wanted)


def select(
    name: str,
    label: str,
    options: Sequence[str],
    default: str,
    words: Callable[[str], str] = str,
    help: str | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> str:
    """A select box whose choice is in the address, unless it is the default."""
    value, widget = _shown(name, options, default)
    chosen = st.selectbox(
        label,
        options,
        key=widget,
        on_change=_chosen,
        args=(name, default),
        format_func=words,
        help=help,
        width=width,
    )
    return chosen or value


def switch(
    name: str,
    label: str,
    options: Sequence[str],
    default: str,
    words: Callable[[str], str] = str,
    label_visibility: Literal["visible", "collapsed"] = "collapsed",
) -> str:
    """The same as a row of buttons."""
    value, widget = _shown(name, options, default)
    chosen = st.segmented_control(
        label,
        list(options),
        key=widget,
        on_change=_chosen,
        args=(name, default),
        format_func=words,
        required=True,
        label_visibility=label_visibility,
    )
    return chosen or value


def search(name: str, label: str, placeholder: str = "", width: int | Literal["stretch"] = "stretch") -> str:
    """A text field whose text is in the address."""
    widget = f"compare-{name}"
    st.session_state[widget] = get(name)
    found = st.text_input(
        label,
        key=widget,
        on_change=_chosen,
        args=(name, ""),
        icon=":material/search:",
        placeholder=placeholder,
        max_chars=LONGEST,
        width=width,
    )
    return str(found).strip()


def pages(count: int) -> int:
    """The page that is shown, from 1, with a pager where there are several."""
    value = min(max(number("page") or 1, 1), max(count, 1))
    if count < 2:
        return 1
    widget = f"page-{count}-{value}"  # a pager takes no value from the session: each page has its own
    st.pagination(count, default=value, key=f"compare-{widget}", on_change=_turned, args=(widget,))
    return value


def _turned(widget: str) -> None:
    put(page=str(st.session_state[f"compare-{widget}"]), row="")


def _shown(name: str, options: Sequence[str], default: str) -> tuple[str, str]:
    value, widget = get(name), f"compare-{name}"
    value = value if value in options else default
    st.session_state[widget] = value
    return value, widget


def _chosen(name: str, default: str) -> None:
    value = st.session_state.get(f"compare-{name}")
    put(**{name: "" if value is None or str(value) == default else str(value)})
