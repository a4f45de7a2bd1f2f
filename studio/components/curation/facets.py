"""Histograms of what the rows are like; a click on a bar filters by it, another click lets go.

A Streamlit component (v2): bars are buttons, so the keyboard reaches them and screen readers say what they hold. Text
reaches the page through `textContent` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from lib.data.facets import Facet
from lib.data.filters import Condition

_CSS = """
:host { font-family: var(--st-font); color: var(--st-text-color); font-size: 12px; }
section { padding: 6px 0 8px; border-bottom: 1px solid var(--st-border-color); }
section:last-child { border-bottom: none; }
h2 { font-size: 12px; font-weight: 620; margin: 0 0 4px; display: flex; justify-content: space-between; gap: 8px; }
h2 span { font-weight: 400; opacity: .65; }
button { all: unset; box-sizing: border-box; cursor: pointer; font-size: 12px; }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; border-radius: 2px; }
button:disabled { cursor: default; }
.columns { display: flex; align-items: stretch; height: 44px; gap: 1px; }
.columns button { flex: 1 1 0; min-width: 3px; display: flex; align-items: flex-end; height: 100%; }
.columns i { display: block; width: 100%; background: var(--st-primary-color); opacity: .55;
  border-radius: 1px 1px 0 0; }
.columns button:hover i, .columns .active i { opacity: 1; }
.columns button:hover { background: var(--st-secondary-background-color); }
.ends { display: flex; justify-content: space-between; opacity: .65; font-size: 11px; margin-top: 2px; }
.line { display: grid; grid-template-columns: minmax(0, 1fr) auto; column-gap: 8px; width: 100%; padding: 2px 4px;
  min-height: 24px; align-items: center; position: relative; border-radius: 3px; }
.line i { position: absolute; inset: 1px auto 1px 0; background: var(--st-primary-color); opacity: .16;
  border-radius: 3px; pointer-events: none; }
.line:hover:not(:disabled) i { opacity: .32; }
.line.active { font-weight: 650; }
.line.active i { opacity: .42; }
.line b { font-weight: inherit; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.line em { font-style: normal; font-variant-numeric: tabular-nums; opacity: .8; }
"""

_JS = """
function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (name) made.className = name;
  return made;
}
function bar(facet, bar, largest, send) {
  const button = element('button', '', (facet.upright ? '' : 'line ') + (bar.active ? 'active' : ''));
  button.type = 'button';
  const rows = bar.count.toLocaleString('en') + (bar.count === 1 ? ' row' : ' rows');
  button.setAttribute('aria-label', facet.label + ' ' + bar.label + ': ' + rows);
  button.setAttribute('aria-pressed', bar.active ? 'true' : 'false');
  button.title = bar.label + ': ' + rows;
  const fill = element('i');
  const share = largest ? bar.count / largest : 0;
  fill.style[facet.upright ? 'height' : 'width'] = (bar.count ? Math.max(share * 100, 3) : 0) + '%';
  button.appendChild(fill);
  if (!facet.upright) {
    button.appendChild(element('b', bar.label));
    button.appendChild(element('em', bar.count.toLocaleString('en')));
  }
  if (bar.condition) button.onclick = () => send({ condition: bar.condition, active: bar.active });
  else button.disabled = true;
  return button;
}
export default function({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector('.facets');
  box.replaceChildren();
  const send = (value) => setTriggerValue('clicked', value);
  for (const facet of data.facets) {
    const section = element('section');
    const title = element('h2', facet.label);
    title.appendChild(element('span', facet.note));
    section.appendChild(title);
    const bars = element('div', '', facet.upright ? 'columns' : '');
    const largest = Math.max(0, ...facet.bars.map((one) => one.count));
    for (const one of facet.bars) bars.appendChild(bar(facet, one, largest, send));
    section.appendChild(bars);
    if (facet.upright && facet.bars.length) {
      const ends = element('div', '', 'ends');
      ends.appendChild(element('span', facet.from));
      ends.appendChild(element('span', facet.to));
      section.appendChild(ends);
    }
    box.appendChild(section);
  }
}
"""

_component = st.components.v2.component(
    "tandem_facets", html='<div class="facets" role="group" aria-label="Filter by"></div>', css=_CSS, js=_JS
)


def show_facets(facets: list[Facet], on_click: Callable[[Condition, bool], None]) -> None:
    """Draw them; `on_click` gets a bar's condition, and whether it was in force already."""

    def clicked() -> None:
        value = st.session_state["facets"].clicked
        if value:
            on_click(Condition.parse(value["condition"]), value["active"])

    _component(key="facets", data={"facets": [_plain(facet) for facet in facets]}, on_clicked_change=clicked)


def _plain(facet: Facet) -> dict[str, Any]:
    upright = facet.kind == "number"
    bars = [
        {
            "label": bar.label,
            "count": bar.count,
            "condition": str(bar.condition) if bar.condition else "",
            "active": bar.active,
        }
        for bar in facet.bars
    ]
    return {
        "label": facet.label,
        "note": f"{facet.missing:,} without" if facet.missing else facet.unit,
        "upright": upright,
        "bars": bars,
        "from": facet.bars[0].label if facet.bars else "",
        "to": facet.bars[-1].label if facet.bars else "",
    }
