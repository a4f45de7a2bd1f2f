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
    "T": "add a tag",
    "N": "write a note",
    "U": "undo your last change",
    "Shift + U": "redo it",
    "/": "search",
    "Enter, Esc": "from a field back to the rows",
    "?": "this list",
}

SAID_MS = 2500
"""How long it is said that a key was not taken."""
STARTS_MS = 500
"""So long after a key the row on screen may still be the one that was judged, though Streamlit looks idle: up to 150
pass before it begins with what a key asked for (measured on two busy cores)."""
HEADER_PX = 60
"""Height of Streamlit's bar at the top, under which a row's title is out of sight."""

_JS = """
// Streamlit calls the function below anew after each run of the script: what must last is kept here.
const now = { judged: null, at: 0, opening: false, hiding: 0 };
const said = document.createElement('div');
said.setAttribute('role', 'status');
said.style.cssText = 'position:fixed; bottom:1.5rem; left:50%; transform:translateX(-50%); padding:.5rem 1rem;' +
  'border-radius:.5rem; background:#333; color:#fff; font-size:.9rem; z-index:1000000; display:none';

export default function({ setTriggerValue, data }) {
  const typing = (node) => node && (node.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(node.tagName));
  // Until the editor has the cursor no key counts: what is typed meanwhile must not judge the row.
  const focusSoon = (selector, tries) => {
    const field = document.querySelector(selector);
    if (field && !typing(document.activeElement)) field.focus();
    now.opening = !typing(document.activeElement) && tries > 0 && (busy() || tries > 30);
    if (now.opening) setTimeout(() => focusSoon(selector, tries - 1), 100);
  };
  // Its number alone: what else stands in the title may come while the row is already there.
  const row = () => (document.querySelector('.st-key-row-title')?.innerText ?? '').split('\\n')[0];
  const busy = () => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'notRunning';
  document.body.append(said);
  const say = (text) => {
    said.textContent = text;
    said.style.display = 'block';
    clearTimeout(now.hiding);
    now.hiding = setTimeout(() => { said.style.display = 'none'; }, data.said_ms);
  };
  // A judgement counts for the row on screen. Until the next row is there, another one would be of a row not seen.
  const early = (key) => {
    if (!'axd'.includes(key)) return false;
    const starting = performance.now() - now.at < data.starts_ms;
    if (now.judged !== null && now.judged === row() && (starting || busy())) return true;
    Object.assign(now, { judged: row(), at: performance.now() });
    return false;
  };
  // A row is read from its top, also by who had scrolled down: to the end of a long answer, or to the bars.
  const show = () => {
    const title = document.querySelector('.st-key-row-title');
    const top = title?.getBoundingClientRect().top;
    if (!title || (top >= data.header_px && top < innerHeight - 100)) return;
    title.style.scrollMarginTop = `${data.header_px + 20}px`;
    title.scrollIntoView();
  };
  const listen = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (typing(event.target)) {
      const search = event.target.getAttribute('aria-label') === 'Search rows';
      if (key === 'Escape' || (key === 'Enter' && search)) event.target.blur();
      return;
    }
    const told = now.opening ? 'the editor is opening.' : early(key) ? 'the next row was not there yet.' : '';
    if (told && event.key.length === 1) {
      event.preventDefault();
      event.stopImmediatePropagation();
      say(`${key.toUpperCase()} was not taken: ${told}`);
    } else if ('jkaxdeu'.includes(key)) {
      show();
      if (key === 'e') focusSoon('textarea[aria-label^="Text of turn"]', 50);
    } else if (key === '/') {
      const field = document.querySelector('input[aria-label="Search rows"]');
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    } else if (key === '?') {
      setTriggerValue('help', true);
    } else if (key === 't' || key === 'n') {
      const field = document.querySelector(key === 't' ? '.st-key-row-tags input' : '.st-key-row-note input');
      if (field) { event.preventDefault(); field.focus(); }
    }
  };
  // A list from which one was chosen lets go of the keys: Streamlit puts the cursor back into it, a moment later too.
  const chosen = (event) => {
    const open = event.target.getAttribute('aria-expanded') === 'true';  // Enter may also be what opens it
    if (event.type === 'click' ? !event.target.closest('[role=option]') : event.key !== 'Enter' || !open) return;
    const free = () => document.activeElement?.closest('[data-testid=stSelectbox]') && document.activeElement.blur();
    [0, 100, 300].forEach(wait => setTimeout(free, wait));
  };
  const heard = [['keydown', listen], ['keydown', chosen], ['click', chosen]];
  heard.forEach(([kind, what]) => window.addEventListener(kind, what, true));
  return () => heard.forEach(([kind, what]) => window.removeEventListener(kind, what, true));
}
"""

_component = st.components.v2.component("tandem_keys", js=_JS)


def listen() -> None:
    """Mount the listener; draws nothing."""
    data = {"said_ms": SAID_MS, "starts_ms": STARTS_MS, "header_px": HEADER_PX}
    if _component(key="keys", data=data, on_help_change=_nothing).help:
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
