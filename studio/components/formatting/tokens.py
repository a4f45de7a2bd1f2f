"""A rendered row cut into its tokens: ids on hover, trained and special ones marked, hidden characters named.

A Streamlit component (v2). Text reaches the page through `textContent` only. Long rows are drawn as far as somebody
scrolls. Without colour: trained tokens are underlined, special ones boxed, those behind the cut under a dotted line.
The arrow keys go from token to token; what the token is stands in the line above, where screen readers read it out.
"""

from __future__ import annotations

import streamlit as st

from lib.formats.token_view import TokenView

MOST = 50_000  # tokens that are sent to the browser
_CSS = """
:host { font-family: var(--st-font); color: var(--st-text-color); }
.bar { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; font-size: 12px; min-height: 22px; }
.about { flex: 1 1 260px; min-width: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 10px; opacity: .85; }
.legend span { padding: 0 3px; }
.bar button { all: unset; cursor: pointer; padding: 0 8px; border: 1px solid var(--st-border-color); border-radius: 6px;
  line-height: 20px; }
.bar button[aria-pressed=true] { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.bar button:focus-visible, .tokens:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.tokens { font: 13px/1.75 var(--st-code-font); white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0 0;
  padding: 8px 12px; border: 1px solid var(--st-border-color); border-radius: 6px; max-height: 420px; overflow: auto;
  background: var(--st-secondary-background-color); unicode-bidi: isolate; }
.t { border-radius: 3px; unicode-bidi: isolate; direction: ltr;
  box-shadow: inset -1px 0 0 color-mix(in srgb, currentColor 28%, transparent); }
.trained { background: color-mix(in srgb, var(--st-primary-color) 20%, transparent);
  text-decoration: underline 2px var(--st-primary-color); text-underline-offset: 4px; text-decoration-skip-ink: none; }
.special { font-weight: 650; outline: 1px solid color-mix(in srgb, currentColor 55%, transparent); outline-offset: -1px;
  border-radius: 3px; padding: 0 1px; }
.over { opacity: .72; text-decoration: overline dotted; background: none; }
.t.at, .t:hover { background: color-mix(in srgb, var(--st-primary-color) 42%, transparent); }
.t.at { outline: 2px solid var(--st-primary-color); }
.mark { font: 600 10px var(--st-font); letter-spacing: .02em; border: 1px solid currentColor; border-radius: 3px;
  padding: 0 2px; margin: 0 1px; opacity: .7; vertical-align: 1px; }
.ids .t { position: relative;  /* only here: each is a layer of its own to be painted */
  display: inline-block; min-width: 30px; line-height: 1.4; padding-bottom: 12px; margin-bottom: 4px; }
.ids .t::after { content: attr(data-id); position: absolute; left: 1px; bottom: 2px; font: 9px/1 var(--st-code-font);
  opacity: .75; white-space: nowrap; text-decoration: none; display: inline-block; }
.ids .t.break { display: inline; }  /* the line break in it has to break the line */
.ids .t.break::after { content: none; }
.ids .t.break::before { content: attr(data-id); font: 9px/1 var(--st-code-font); opacity: .75; vertical-align: -10px;
  display: inline-block; margin: 0 1px 0 2px; text-decoration: none; }
.cut { display: block; border-top: 2px dashed var(--st-red-color);
  color: color-mix(in srgb, var(--st-red-color) 70%, var(--st-text-color));
  margin: 4px 0;
  font: 600 11px/1.6 var(--st-font); white-space: normal; }
"""

_HTML = """
<div class="bar">
  <div class="about" role="status" aria-live="polite"></div>
  <div class="legend" aria-hidden="true"><span class="trained">learned</span><span>only read</span>
    <span class="special">special token</span><span><i class="mark">ZWSP</i>hidden character</span></div>
  <button type="button" class="toggle" aria-pressed="false">ids</button>
</div>
<div class="tokens" tabindex="0" role="group"
  aria-label="Tokens of this row. Arrow keys go from token to token, Home and End to the first and last."></div>
"""

_JS = """
const TRAINED = 1, SPECIAL = 2, PARTIAL = 4, STEP = 1000;  // more than a screenful
export default function({ data, parentElement }) {
  const box = parentElement.querySelector('.tokens'), about = parentElement.querySelector('.about');
  const toggle = parentElement.querySelector('.toggle');
  const { ids, flags, shown, cut, rest, notes } = data;
  let drawn = 0, at = -1;
  box.replaceChildren();
  box.scrollTop = 0;

  const text = (i) => typeof shown[i] === 'string' ? shown[i] : shown[i].map((part) => part[0]).join('');
  const put = (parent, content, mark) => {
    if (!mark) { parent.append(document.createTextNode(content)); return; }
    const label = document.createElement('i');
    label.className = 'mark'; label.textContent = content;
    parent.append(label);
  };
  const make = (i) => {
    const span = document.createElement('span');
    const flag = flags[i];
    span.className = 't' + (flag & TRAINED ? ' trained' : '') + (flag & SPECIAL ? ' special' : '')
      + (cut && data.lost && i >= cut ? ' over' : '') + (text(i).includes('\\n') ? ' break' : '');
    span.dataset.i = i; span.dataset.id = ids[i];
    if (typeof shown[i] === 'string') span.textContent = shown[i];
    else for (const [content, mark] of shown[i]) put(span, content, mark);
    return span;
  };
  const draw = (until) => {
    const some = document.createDocumentFragment();
    for (; drawn < Math.min(until, ids.length); drawn++) {
      if (cut && drawn === cut) {
        const line = document.createElement('span');
        line.className = 'cut'; line.textContent = data.cutText;
        some.append(line);
      }
      some.append(make(drawn));
    }
    if (drawn === ids.length && rest && !box.querySelector('.rest')) {
      const line = document.createElement('span');
      line.className = 'cut rest'; line.textContent = rest;
      some.append(line);
    }
    box.append(some);
  };
  const tokenAt = (i) => box.querySelector(`[data-i="${i}"]`);
  const tell = (i) => {
    if (i < 0) { about.textContent = data.summary; return; }
    const flag = flags[i], words = [];
    if (flag & SPECIAL) words.push('special token');
    if (flag & PARTIAL) words.push('part of a character, its bytes');
    words.push(flag & TRAINED ? 'learned' : 'only read');
    if (cut && i >= cut) words.push(data.lost ? 'cut off' : 'behind the longest row');
    const quoted = notes[i] ? notes[i] : JSON.stringify(text(i));
    about.textContent = `token ${i + 1} of ${data.total} · id ${ids[i]} · ${quoted} · ${words.join(', ')}`;
  };
  const goTo = (i) => {
    draw(i + STEP);
    tokenAt(at)?.classList.remove('at');
    at = Math.max(0, Math.min(i, ids.length - 1));
    const token = tokenAt(at);
    token?.classList.add('at');
    token?.scrollIntoView({ block: 'nearest' });
    tell(at);
  };
  box.onscroll = () => { if (box.scrollTop + box.clientHeight > box.scrollHeight - 600) draw(drawn + STEP); };
  box.onmouseover = (event) => { const t = event.target.closest('.t'); if (t) tell(Number(t.dataset.i)); };
  box.onmouseleave = () => tell(at);
  box.onclick = (event) => { const t = event.target.closest('.t'); if (t) goTo(Number(t.dataset.i)); };
  box.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[event.key];
    if (by) goTo(at < 0 ? 0 : at + by);
    else if (event.key === 'Home') goTo(0);
    else if (event.key === 'End') goTo(ids.length - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  toggle.onclick = () => {
    const on = box.classList.toggle('ids');
    toggle.setAttribute('aria-pressed', String(on));
  };
  draw(STEP);
  box.dataset.drawn = data.key;
  tell(-1);
}
"""

_component = st.components.v2.component("tandem_tokens", html=_HTML, css=_CSS, js=_JS)


def show_tokens(view: TokenView, key: str, max_length: int = 0, policy: str = "", lost: bool = True) -> None:
    """Draw one row. With `max_length` the cut is marked where the row is longer; `policy` says what becomes of it.

    `lost`: what is behind the cut is not trained on.
    """
    total = len(view.ids)
    over = max_length if 0 < max_length < total else 0
    plain = [
        pieces[0][0] if len(pieces) == 1 and not pieces[0][1] else [[text, int(mark)] for text, mark in pieces]
        for pieces in view.shown[:MOST]
    ]
    _component(
        data={
            "ids": view.ids[:MOST],
            "flags": view.flags[:MOST],
            "shown": plain,
            "notes": {number: text for number, text in view.hidden.items() if number < MOST},
            "total": f"{total:,}",
            "summary": f"prompt {view.prompt:,} · answer {view.answer:,} · total {total:,} tokens",
            "cut": over,
            "lost": lost,
            "cutText": f"longest row: {max_length:,} tokens; {total - max_length:,} more follow. {policy}",
            "rest": f"{total - MOST:,} more tokens are not drawn" if total > MOST else "",
            "key": key,
        },
        key="tokens",  # the same for all rows: the ids stay on, and nothing is built anew
    )
