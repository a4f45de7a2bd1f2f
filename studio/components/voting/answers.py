"""A question and two answers to it, side by side or, where that is too narrow, one under another.

A Streamlit component (v2). Text reaches the page through `textContent` only. Long texts scroll within their box.
"""

from __future__ import annotations

import streamlit as st

_CSS = """
.all { container-type: inline-size; font: 14px/1.55 var(--st-font); color: var(--st-text-color); }
h2 { font: 600 12px/1.4 var(--st-font); margin: 0 0 4px; }
.box { box-sizing: border-box; white-space: pre-wrap; overflow-wrap: anywhere; overflow: auto;
  margin: 0 0 12px; padding: 10px 12px; border: 1px solid var(--st-border-color); border-radius: 6px;
  unicode-bidi: plaintext; }
.asked { max-height: 18vh; background: var(--st-secondary-background-color); }
.answer { max-height: 38vh; min-height: 90px; }
.box:focus-visible { outline: 2px solid var(--st-primary-color); }
.empty { font-style: italic; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 16px; }
@container (max-width: 640px) {
  .pair { grid-template-columns: minmax(0, 1fr); }
  .answer { min-height: 0; max-height: 32vh; }
}
"""

_HTML = """
<div class="all">
  <h2 id="q">Question</h2><div class="box asked" tabindex="0" role="region" aria-labelledby="q"></div>
  <div class="pair">
    <div><h2 id="a"></h2><div class="box answer" tabindex="0" role="region" aria-labelledby="a"></div></div>
    <div><h2 id="b"></h2><div class="box answer" tabindex="0" role="region" aria-labelledby="b"></div></div>
  </div>
</div>
"""

_JS = """
export default function({ data, parentElement }) {
  const put = (box, text, word) => {
    const shown = text || word;
    box.classList.toggle('empty', !text);
    if (box.textContent === shown) return;
    box.textContent = shown;
    box.scrollTop = 0;
  };
  put(parentElement.querySelector('.asked'), data.prompt, '(no text)');
  parentElement.querySelectorAll('.answer').forEach((box, index) => put(box, data.texts[index], '(empty answer)'));
  parentElement.querySelectorAll('.pair h2').forEach((title, index) => { title.textContent = data.titles[index]; });
}
"""

_component = st.components.v2.component("tandem_answers", html=_HTML, css=_CSS, js=_JS)


def show_answers(prompt: str, texts: tuple[str, str], key: str, titles: tuple[str, str] = ("A", "B")) -> None:
    """Draw one pair."""
    _component(data={"prompt": prompt, "texts": list(texts), "titles": list(titles)}, key=key)
