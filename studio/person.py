"""Who is at this browser: the name that stands beside what they do. Sign-in is for later; until then they say it."""

from __future__ import annotations

import streamlit as st

from lib.settings import settings

_SLOT = "person"
LENGTH = 60  # characters


def name() -> str:
    """The person's name; that of the machine's user until they give one."""
    return st.session_state.get(_SLOT) or settings.user


def chooser() -> None:
    """A small menu to say who one is."""
    with st.popover(name(), icon=":material/person:", type="tertiary", help="Whose name stands beside your edits"):
        given = st.text_input("Your name", value=name(), max_chars=LENGTH, key="person-field")
        if given.strip() and given.strip() != name():
            st.session_state[_SLOT] = given.strip()
            st.rerun()
