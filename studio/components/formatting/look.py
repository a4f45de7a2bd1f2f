"""How rows are looked at on the Format page: template, tokenizer, longest row. Each choice is in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.data.edits import WorkingCopy
from lib.formats import ModelTokenizer, Template, render
from lib.formats.fitting import POLICIES
from lib.formats.segments import Segment
from lib.records import Conversation
from studio import cache, state
from studio.components import choose

SHORTEST, DEFAULT_LENGTH = 8, 512


@dataclass(frozen=True)
class Look:
    """`model` is empty and `tokenizer` None where the format's own literal tokens are shown."""

    info: DatasetInfo
    copy: WorkingCopy
    template: str
    model: str
    tokenizer: ModelTokenizer | None
    max_length: int
    policy: str
    escape: bool

    def render(self, conversation: Conversation, template: str | Template = "") -> list[Segment]:
        """Segments in this or another template; raises what `render` raises."""
        return render(conversation, template or self.template, self.tokenizer, escape=self.escape)


def chosen() -> dict[str, Any]:
    """Settings of a run that were chosen on the Format page, by name; what was left as it was is missing."""
    found: dict[str, Any] = {}
    if length := _asked_length():
        found["max_length"] = length
    if state.get("long") in POLICIES:
        found["long_rows"] = state.get("long")
    if state.get("escape") == "yes":
        found["escape_tags"] = True
    return found


def choose_look(info: DatasetInfo, copy: WorkingCopy) -> Look:
    """Draw the choosers, of a width each, so that they go on in the next line where there is less room."""
    with st.container(width=215):
        template = choose.template()
    with st.container(width=165):
        model = choose.tokenizer()
    with st.container(width=130):
        max_length = _max_length()
    with st.container(width=112):
        policy = _policy()
    escape = _escape()
    return Look(
        info, copy, template, model or "", cache.tokenizer(model) if model else None, max_length, policy, escape
    )


def _policy() -> str:
    value, key = state.choice("long", list(POLICIES), "drop")
    listed = " ".join(f"*{name}*: {text}" for name, text in POLICIES.items())
    st.selectbox(
        "Long rows",
        list(POLICIES),
        key=key,
        on_change=state.chosen,
        args=("long",),
        help=f"What a run does with rows over the longest. {listed}",
    )
    return value


def _max_length() -> int:
    key = "choose-length"
    st.session_state[key] = _asked_length() or DEFAULT_LENGTH
    found: int = st.number_input(
        "Longest row",
        SHORTEST,
        9_999_999,
        key=key,
        step=64,
        on_change=_put_length,
        help="In tokens, as `max_length` of a run. What is behind it is cut off or the row left out.",
    )
    return found


def _asked_length() -> int | None:
    asked = state.get("length")
    return max(int(asked), SHORTEST) if asked.isdecimal() and len(asked) < 8 else None


def _put_length() -> None:
    state.put("length", str(st.session_state["choose-length"]))


def _escape() -> bool:
    key = "choose-escape"
    st.session_state[key] = state.get("escape") == "yes"
    found: bool = st.toggle(
        "Escape marks",
        key=key,
        on_change=_put_escape,
        help="Marks of the format inside a message, such as [INST] in a question, are written with a backslash "
        "([\\INST]) instead of the row being refused.",
    )
    return found


def _put_escape() -> None:
    if st.session_state["choose-escape"]:
        state.put("escape", "yes")
    else:
        state.forget("escape")
