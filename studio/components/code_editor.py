"""A field for code: line numbers, no surprises of word processors, and a mark where something is wrong.

A Streamlit component (v2). What is typed reaches Python when the person pauses; the field keeps its own text meanwhile,
so that nothing is lost or jumps. Tab indents; Escape and then Tab leaves the field.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

PAUSE = 350  # milliseconds without a key after which the text is sent
_CSS = """
:host { font-family: var(--st-font); color: var(--st-text-color); }
.editor { display: grid; grid-template-columns: auto minmax(0, 1fr); border: 1px solid var(--st-border-color);
  border-radius: 6px; background: var(--st-secondary-background-color); overflow: hidden; }
.editor:focus-within { outline: 2px solid var(--st-primary-color); }
.gutter, textarea { font: 13px/20px var(--st-code-font); margin: 0; padding: 8px 0; tab-size: 2; }
.gutter { text-align: right; padding: 8px 8px; opacity: .7; user-select: none; overflow: hidden; white-space: pre; }
.gutter b { color: var(--st-red-color); opacity: 1; }
.field { position: relative; overflow: hidden; }
textarea { all: unset; box-sizing: border-box; display: block; width: 100%; white-space: pre; overflow: auto;
  font: 13px/20px var(--st-code-font); padding: 8px; tab-size: 2; color: inherit; }
.fault { position: absolute; left: 0; right: 0; height: 20px; pointer-events: none;
  background: color-mix(in srgb, var(--st-red-color) 14%, transparent); }
.fault i { position: absolute; bottom: 0; height: 3px; min-width: 10px; background: var(--st-red-color);
  border-radius: 2px; }
"""

_HTML = """
<div class="editor"><div class="gutter" aria-hidden="true"></div>
  <div class="field"><div class="faults"></div>
    <textarea spellcheck="false" autocomplete="off" autocapitalize="off"></textarea></div></div>
"""

_JS = """
const LINE = 20, PAD = 8;
export default function({ data, parentElement, setStateValue }) {
  const field = parentElement.querySelector('textarea'), gutter = parentElement.querySelector('.gutter');
  const faults = parentElement.querySelector('.faults');
  field.setAttribute('aria-label', data.label);
  field.style.height = `${data.lines * LINE + 2 * PAD}px`;
  gutter.style.height = field.style.height;
  if (field.dataset.base !== data.base) {
    field.value = field.dataset.sent = data.source;
    field.dataset.base = data.base;
  }

  const width = () => {
    const probe = document.createElement('canvas').getContext('2d');
    probe.font = getComputedStyle(field).font;
    return probe.measureText('x'.repeat(50)).width / 50;
  };
  const numbers = () => {
    const wrong = new Set(data.faults.map((fault) => fault.line));
    const lines = field.value.split('\\n').length;
    gutter.replaceChildren(...Array.from({ length: lines }, (_, i) => {
      const number = document.createElement(wrong.has(i + 1) ? 'b' : 'span');
      number.textContent = `${i + 1}\\n`;
      return number;
    }));
    gutter.scrollTop = field.scrollTop;
  };
  const marks = () => {
    const wide = width();
    faults.replaceChildren(...data.faults.map((fault) => {
      const band = document.createElement('div'), under = document.createElement('i');
      const line = field.value.split('\\n')[fault.line - 1] || '';
      const before = line.slice(0, fault.column - 1).replaceAll('\\t', '  ');
      band.className = 'fault';
      band.style.top = `${PAD + (fault.line - 1) * LINE - field.scrollTop}px`;
      under.style.left = `${PAD + before.length * wide - field.scrollLeft}px`;
      under.style.width = `${Math.max(1, fault.length || 1) * wide}px`;
      band.append(under);
      return band;
    }));
  };
  const send = () => {
    clearTimeout(field.timer);
    if (field.value !== field.dataset.sent) { field.dataset.sent = field.value; setStateValue('source', field.value); }
  };
  field.oninput = () => {
    clearTimeout(field.timer);
    field.timer = setTimeout(send, data.pause);
    numbers();
    faults.replaceChildren();
  };
  field.onblur = send;
  field.onscroll = () => { gutter.scrollTop = field.scrollTop; marks(); };
  field.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === 'Escape') { field.leave = true; return; }
    if (event.key === 'Tab' && !event.shiftKey && !field.leave) {
      event.preventDefault();
      field.setRangeText('  ', field.selectionStart, field.selectionEnd, 'end');
      field.oninput();
    }
    field.leave = event.key === 'Shift' && field.leave;
  };
  numbers();
  marks();
}
"""

_component = st.components.v2.component("tandem_code_editor", html=_HTML, css=_CSS, js=_JS)


@dataclass(frozen=True)
class Mark:
    """Where something is wrong: line and column from 1."""

    line: int
    column: int


def typed(key: str, start: str) -> str:
    """What is in the field, before it is drawn: so that what is wrong with it can be drawn with it."""
    state = st.session_state.get(key)
    return str(state["source"]) if state else start


def edit_code(source: str, label: str, key: str, faults: list[Mark], lines: int = 18) -> None:
    """Draw the field. It begins with `source`; another key is another field, with a text of its own."""
    _component(
        data={
            "source": source,
            "base": key,
            "label": label,
            "faults": [{"line": mark.line, "column": mark.column} for mark in faults],
            "lines": lines,
            "pause": PAUSE,
        },
        key=key,
        default={"source": source},
        on_source_change=_nothing,
    )


def _nothing() -> None:
    """Streamlit needs a callback to tell that a state exists."""
