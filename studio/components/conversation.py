"""A conversation as a person reads it."""

from __future__ import annotations

import streamlit as st

from lib.records import Conversation

ICONS = {
    "system": ":material/settings:",
    "user": ":material/person:",
    "assistant": ":material/smart_toy:",
    "tool": ":material/build:",
}


def show_conversation(conversation: Conversation) -> None:
    """Each message with its role; text as it is, never as markup."""
    for message in conversation.messages:
        label, body = st.columns([1, 9])
        label.markdown(f":small[{ICONS[message.role]} :gray[{message.role}]]")
        with body:
            _text(message.content)
            if message.context:
                st.markdown(":small[:gray[input]]")
                _text(message.context)


def _text(text: str) -> None:
    if text.strip():
        st.text(text)
    else:
        st.markdown(":small[:orange[(empty)]]")
