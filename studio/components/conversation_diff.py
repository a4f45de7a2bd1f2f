"""Two conversations, turn by turn, with the words that differ marked."""

from __future__ import annotations

from itertools import zip_longest

import streamlit as st

from lib.records import Conversation, Message
from studio.components.conversation import ICONS, LABEL_WIDTH
from studio.components.text_diff import show_diff


def show_conversation_diff(before: Conversation | None, after: Conversation | None, key: str) -> None:
    """Draw both as one; None stands for a row that is not there."""
    old, new = (one.messages if one else () for one in (before, after))
    for number, (was, now) in enumerate(zip_longest(old, new)):
        role = (now or was).role
        moved = was is not None and now is not None and was.role != now.role
        with st.container(horizontal=True, gap="small"):
            label = f"{was.role} → {role}" if moved else role
            st.markdown(f":small[{ICONS[role]} :gray[{label}]]", width=LABEL_WIDTH)
            with st.container(width="stretch"):
                show_diff(_text(was), _text(now), f"{key}-{number}")


def _text(message: Message | None) -> str:
    if message is None:
        return ""
    return f"{message.content}\n\n[input] {message.context}" if message.context else message.content
