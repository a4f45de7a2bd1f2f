"""Who is at this browser: the name that stands beside what they do. Sign-in is for later; until then they say it.

The browser keeps the name, so that a reload does not forget it.
"""

from __future__ import annotations

import streamlit as st

from lib.settings import settings

_SLOT = "person"
LENGTH = 60  # characters

_JS = """
export default function({ data, setTriggerValue }) {
  const slot = 'tandem-person';
  try {
    if (data.name) localStorage.setItem(slot, data.name);
    else if (localStorage.getItem(slot)) setTriggerValue('kept', localStorage.getItem(slot));
  } catch (error) { /* a browser that keeps nothing: the name lasts as long as the tab */ }
}
"""
_component = st.components.v2.component("tandem_person", js=_JS)


def name() -> str:
    """The person's name; that of the machine's user until they give one."""
    return st.session_state.get(_SLOT) or settings.user


def known() -> str:
    """The name that this browser has given; empty when it gave none."""
    given: str = st.session_state.get(_SLOT, "")
    return given


def give(name: str) -> None:
    """Take a name from another place than the menu."""
    st.session_state[_SLOT] = name


def keep() -> None:
    """Have the browser keep the name, and give back the one it kept; draws nothing."""
    _component(key="person-kept", data={"name": known()}, on_kept_change=_recall)


def chooser() -> None:
    """A small menu to say who one is."""
    with st.popover(name(), icon=":material/person:", type="tertiary", help="Whose name stands beside your edits"):
        given = st.text_input("Your name", value=name(), max_chars=LENGTH, key="person-field")
        if given.strip() and given.strip() != name():
            st.session_state[_SLOT] = given.strip()
            st.rerun()


def _recall() -> None:
    kept = st.session_state["person-kept"].kept
    if isinstance(kept, str) and kept.strip():
        st.session_state[_SLOT] = kept.strip()[:LENGTH]
