"""What the voter's browser does beside drawing: it remembers under which name it votes, a held key is one vote, and
keys lead into the comment and out of it."""

from __future__ import annotations

import streamlit as st

_KEEP = """
export default function({ data, setTriggerValue }) {
  const slot = 'tandem-votes';
  try {
    const kept = JSON.parse(localStorage.getItem(slot) || '{}');
    if (data.name) localStorage.setItem(slot, JSON.stringify({ ...kept, [data.ballot]: data.name }));
    else if (data.left) { delete kept[data.ballot]; localStorage.setItem(slot, JSON.stringify(kept)); }
    else if (typeof kept[data.ballot] === 'string') setTriggerValue('kept', kept[data.ballot]);
  } catch (error) { /* a browser that keeps nothing asks for the name again */ }
}
"""
# A key that is held down repeats itself some thirty times a second: each would be a vote on a pair nobody has read.
# Out of the comment: what is typed next is a vote again. Streamlit keeps what a field held when the cursor leaves it.
_KEYS = """
export default function() {
  const comment = () => document.querySelector('.st-key-comment textarea');
  const listen = (event) => {
    const field = event.target;
    if (field === comment()) {
      const done = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
      if (!event.isComposing && (event.key === 'Escape' || done)) setTimeout(() => field.blur());
      return;
    }
    if (event.repeat && /^[0-3su]$/i.test(event.key)) event.stopImmediatePropagation();
    const typing = field.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(field.tagName);
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== 'n') return;
    if (comment()) { event.preventDefault(); comment().focus(); }
  };
  window.addEventListener('keydown', listen, true);
  return () => window.removeEventListener('keydown', listen, true);
}
"""
_keeper = st.components.v2.component("tandem_voter", js=_KEEP)
_keys = st.components.v2.component("tandem_voting_keys", js=_KEYS)


def rater(ballot_id: str) -> str:
    """The name that this browser votes under; empty until one is given."""
    name: str = st.session_state.get(_slot(ballot_id), "")
    return name


def vote_as(ballot_id: str, name: str) -> None:
    """Vote under a name from now on; an empty one: ask again."""
    st.session_state[_slot(ballot_id)] = name


def keep_rater(ballot_id: str) -> None:
    """Have the browser keep the name, so that a reload goes on where it was; draws nothing."""
    slot = _slot(ballot_id)
    left = st.session_state.get(slot) == ""
    data = {"ballot": ballot_id, "name": rater(ballot_id), "left": left}
    _keeper(key="voter-kept", data=data, on_kept_change=lambda: _recall(slot))


def listen() -> None:
    """Mount the listener for keys that no button has; draws nothing."""
    _keys(key="voting-keys")


def _recall(slot: str) -> None:
    kept = st.session_state["voter-kept"].kept
    if isinstance(kept, str) and kept.strip():
        st.session_state[slot] = kept.strip()


def _slot(ballot_id: str) -> str:
    return f"rater-{ballot_id}"
