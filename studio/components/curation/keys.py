"""Keys that Streamlit's buttons cannot have: `/` goes to the search field, `?` lists all keys."""

from __future__ import annotations

import streamlit as st

KEYS = {
    "J": "next row",
    "K": "previous row",
    "A": "accept the row and go on",
    "X": "reject the row and go on",
    "E": "edit the row",
    "Ctrl + Enter": "save the edit",
    "D": "delete or restore the row",
    "U": "undo your last change",
    "Shift + U": "redo it",
    "/": "search",
    "?": "this list",
}

_JS = """
export default function({ setTriggerValue }) {
  const typing = (node) => node && (node.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(node.tagName));
  const focusSoon = (selector, tries) => {
    const field = document.querySelector(selector);
    if (typing(document.activeElement)) return;  // the person is in a field already
    if (field) field.focus();
    else if (tries) setTimeout(() => focusSoon(selector, tries - 1), 100);
  };
  const listen = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === '/') {
      const field = document.querySelector('input[aria-label="Search rows"]');
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    } else if (event.key === '?') {
      setTriggerValue('help', true);
    } else if (event.key === 'e' || event.key === 'E') {
      focusSoon('textarea[aria-label^="Text of turn"]', 20);
    }
  };
  document.addEventListener('keydown', listen);
  return () => document.removeEventListener('keydown', listen);
}
"""

_component = st.components.v2.component("tandem_keys", js=_JS)


def listen() -> None:
    """Mount the listener; draws nothing."""
    if _component(key="keys", on_help_change=_nothing).help:
        show_keys()


def _nothing() -> None:
    """Streamlit needs a callback to tell that a trigger exists."""


@st.dialog("Keys", width="small", icon=":material/keyboard:")
def show_keys() -> None:
    """The list of keys."""
    for key, what in KEYS.items():
        with st.container(horizontal=True, gap="small"):
            st.markdown(f"`{key}`", width=110)
            st.markdown(what)
