"""A conversation as a person reads it."""

from __future__ import annotations

import streamlit as st

from lib.records import Conversation, Message
from studio.components.text import directed

LABEL_WIDTH = 110  # pixels
LONG, LONG_HEIGHT = 1500, 260  # characters from which on a text scrolls in a box, and the box's height in pixels
ICONS = {
    "system": ":material/settings:",
    "user": ":material/person:",
    "assistant": ":material/smart_toy:",
    "tool": ":material/build:",
}


def show_conversation(conversation: Conversation, narrow: bool = False) -> None:
    """Each message with its role beside it, in a narrow place above it; text as it is, never as markup."""
    for message in conversation.messages:
        with st.container(horizontal=not narrow, gap=None if narrow else "small"):
            st.markdown(
                f":small[{ICONS[message.role]} :gray[{message.role}]]", width="stretch" if narrow else LABEL_WIDTH
            )
            with st.container(width="stretch"):
                _message(message)


def _message(message: Message) -> None:
    _text(message.content)
    if message.context:
        st.markdown(":small[:gray[input]]")
        _text(message.context)


def _text(text: str) -> None:
    if not text.strip():
        st.markdown(":small[:orange[(empty)]]")
        return
    with st.container(height=LONG_HEIGHT if len(text) > LONG else "content", border=False):
        st.text(directed(text))
