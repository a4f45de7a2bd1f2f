"""Rendered text with its trained part marked: by colour, by an underline, and in words for screen readers.

A Streamlit component (v2). Text reaches the page through `textContent` only, so no row can ever become markup.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.formats import Segment

_CSS = """
.text { font: 13px/1.6 var(--st-code-font); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0;
  padding: 10px 12px; border: 1px solid var(--st-border-color); border-radius: 6px; max-height: 340px; overflow: auto;
  background: var(--st-secondary-background-color); color: var(--st-text-color); }
.text:focus-visible { outline: 2px solid var(--st-primary-color); }
.trained { background: color-mix(in srgb, var(--st-primary-color) 22%, transparent); border-radius: 2px;
  box-shadow: inset 0 -2px 0 var(--st-primary-color); }
.special { font-weight: 650; opacity: .8; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

_JS = """
export default function({ data, parentElement }) {
  const box = parentElement.querySelector('.text');
  box.replaceChildren();
  for (const [text, trained, special] of data.segments) {
    const span = document.createElement(trained ? 'mark' : 'span');
    span.className = (trained ? 'trained ' : '') + (special ? 'special' : '');
    if (trained) { span.style.color = 'inherit'; span.title = 'trained'; }
    span.textContent = text;
    box.appendChild(span);
  }
}
"""

_component = st.components.v2.component(
    "tandem_segments",
    html='<div class="text" tabindex="0" role="region" aria-label="Rendered text; trained parts are marked"></div>',
    css=_CSS + ".trained { color: inherit; }",
    js=_JS,
)


def show_segments(segments: Sequence[Segment], key: str) -> None:
    """Draw one rendered row."""
    _component(data={"segments": [[part.text, part.trained, part.special] for part in segments]}, key=key)


def legend() -> None:
    """What the marks mean."""
    st.caption(":primary-background[marked]: the model learns to write this · plain: it only reads this")
