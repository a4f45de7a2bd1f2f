"""Two texts with the words that differ marked, in colour and by line-through or underline.

A Streamlit component (v2). Text reaches the page through `textContent` only.
"""

from __future__ import annotations

import streamlit as st

from lib.data.versions.text_diff import words

SHOWN = 160  # characters of an unchanged stretch that are shown at each end
_CSS = """
.text { font: 13px/1.55 var(--st-font); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0;
  color: var(--st-text-color); max-height: 320px; overflow: auto; }
.text:focus-visible { outline: 2px solid var(--st-primary-color); }
del { background: color-mix(in srgb, var(--st-red-color) 18%, transparent); text-decoration: line-through; }
u { background: color-mix(in srgb, var(--st-blue-color) 14%, transparent); }
ins { background: color-mix(in srgb, var(--st-green-color) 20%, transparent); text-decoration: underline; }
"""

_JS = """
export default function({ data, parentElement }) {
  const box = parentElement.querySelector('.text');
  box.replaceChildren();
  const tags = { same: 'span', removed: 'del', added: 'ins', own: 'u' };
  for (const [text, kind] of data.pieces) {
    const part = document.createElement(tags[kind]);
    part.textContent = text;
    box.appendChild(part);
  }
}
"""

_component = st.components.v2.component(
    "tandem_text_diff",
    html='<div class="text" tabindex="0" role="region" aria-label="Text with changed words marked"></div>',
    css=_CSS,
    js=_JS,
)


def show_diff(before: str, after: str, key: str) -> None:
    """Draw one text as it was and is: what went is struck through, what came is underlined.

    Of long stretches that did not change only both ends are shown, so that the change is in sight.
    """
    pieces = words(before, after)
    changed = any(piece.kind != "same" for piece in pieces)
    shown = [[_short(piece.text) if piece.kind == "same" and changed else piece.text, piece.kind] for piece in pieces]
    _component(data={"pieces": shown}, key=key)


def show_marked(text: str, other: str, key: str) -> None:
    """Draw one of two texts whole; the words that the other one does not have are underlined.

    In blue: nothing is said of which is right, as green would.
    """
    kinds = {"same": "same", "added": "own"}
    pieces = [[piece.text, kinds[piece.kind]] for piece in words(other, text) if piece.kind in kinds]
    _component(data={"pieces": pieces}, key=key)


def _short(text: str) -> str:
    if len(text) <= 3 * SHOWN:
        return text
    return f"{text[:SHOWN]} … {len(text) - 2 * SHOWN:,} characters … {text[-SHOWN:]}"
