"""Rendered text with its trained part marked: by colour, by an underline, and in words for screen readers.

A Streamlit component (v2). Text reaches the page through `textContent` only, so no row can ever become markup. Hidden
characters stand there as labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.formats import Segment
from lib.formats.text_view import Range, text_view

_CSS = """
.text { font: 13px/1.6 var(--st-code-font); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0;
  padding: 10px 12px; border: 1px solid var(--st-border-color); border-radius: 6px; max-height: 420px; overflow: auto;
  background: var(--st-secondary-background-color); color: var(--st-text-color); unicode-bidi: plaintext; }
.text:focus-visible { outline: 2px solid var(--st-primary-color); }
.trained { background: color-mix(in srgb, var(--st-primary-color) 22%, transparent); border-radius: 2px; color: inherit;
  box-shadow: inset 0 -2px 0 var(--st-primary-color); }
.special { font-weight: 650; opacity: .8; }
.label { font: 600 10px var(--st-font); border: 1px solid currentColor; border-radius: 3px; padding: 0 2px;
  margin: 0 1px; opacity: .75; vertical-align: 1px; }
.changed { outline: 1px dashed var(--st-orange-color); outline-offset: -1px;
  background: color-mix(in srgb, var(--st-orange-color) 24%, transparent); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

_JS = """
const TRAINED = 1, SPECIAL = 2, LABEL = 4, CHANGED = 8;
export default function({ data, parentElement }) {
  const box = parentElement.querySelector('.text');
  const all = document.createDocumentFragment();
  for (const [text, flags] of data.parts) {
    const part = document.createElement(flags & TRAINED ? 'mark' : flags & LABEL ? 'i' : 'span');
    const names = [['trained', TRAINED], ['special', SPECIAL], ['label', LABEL], ['changed', CHANGED]];
    part.className = names.filter(([, bit]) => flags & bit).map(([name]) => name).join(' ');
    if (flags & TRAINED) part.title = 'learned';
    if (flags & LABEL) part.title = 'hidden character';
    part.textContent = text;
    all.append(part);
  }
  box.replaceChildren(all);
}
"""

_component = st.components.v2.component(
    "tandem_segments",
    html='<div class="text" tabindex="0" role="region" aria-label="Rendered text; learned parts are marked"></div>',
    css=_CSS,
    js=_JS,
)


def show_segments(segments: Sequence[Segment], key: str, changed: Sequence[Range] = ()) -> None:
    """Draw one rendered row; stretches of its text in `changed` are marked as different."""
    _component(data={"parts": [list(part) for part in text_view(segments, changed)]}, key=key)


def legend() -> None:
    """What the marks mean."""
    st.markdown(":small[:primary-background[marked]: the model learns to write this · plain: it only reads this]")
