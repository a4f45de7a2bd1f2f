"""One row at a time as text, as tokens, or in two templates side by side."""

from __future__ import annotations

import streamlit as st

from lib.data.mapping import read_conversation
from lib.data.table import Table, TableRow
from lib.errors import CannotCarry, StudioError
from lib.formats import Tokens
from lib.formats.fitting import fit
from lib.formats.token_view import token_view
from lib.records import Conversation
from lib.words import counted
from studio import cache, state
from studio.components.conversation import show_conversation
from studio.components.errors import guarded
from studio.components.formatting.findings import show_findings
from studio.components.formatting.in_hand import all_rows, open_row, row_in_hand
from studio.components.formatting.look import Look
from studio.components.formatting.side_by_side import show_side_by_side
from studio.components.formatting.tokens import show_tokens
from studio.components.links import link
from studio.components.segments import legend, show_segments
from studio.components.text import escape

WAYS = ("Text", "Tokens", "Side by side")


@st.fragment
@guarded
def show_row(look: Look) -> None:
    """The row in hand, with buttons to the next and the one before."""
    table = all_rows(look)
    found = row_in_hand(table)
    if found is None:
        st.info("Every row of this dataset is deleted.", icon=":material/delete:")
        return
    position, row = found
    total = cache.count(table)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = _navigate(total, position, row, table)
    try:
        conversation = read_conversation(row.values, look.copy.mapping)
    except StudioError as error:
        st.warning(f"{escape(error.message)} {escape(error.hint)}", icon=":material/block:")
        return
    show_findings(look, conversation)
    key = f"{look.info.ref}-{row.row_id}-{look.template}"
    if way == "Side by side":
        show_side_by_side(look, conversation, key)
        return
    try:
        segments = look.render(conversation)
    except StudioError as error:
        _refused(look, conversation, error)
        return
    if look.tokenizer is None:
        legend()
        show_segments(segments, key=f"text-{key}")
        if way == "Tokens":
            st.caption("Choose a model as tokenizer to see the tokens.")
        return
    tokens = look.tokenizer.tokenize(segments)
    above = st.container()
    fate = _facts(look, conversation, tokens)
    with above:
        if way == "Tokens":
            view = token_view(segments, tokens, look.tokenizer)
            show_tokens(view, f"tokens-{key}", look.max_length, fate, lost=look.policy != "split")
        else:
            legend()
            show_segments(segments, key=f"text-{key}")


def _navigate(total: int, position: int, row: TableRow, table: Table) -> str:
    """Buttons and the number of the row; returns the way to look at it."""

    def step(by: int) -> None:
        at = row_in_hand(table)
        open_row(table, min(max((at[0] if at else 0) + by, 0), total - 1))

    def typed() -> None:
        open_row(table, min(max(int(st.session_state[key]) - 1, 0), total - 1))

    key = "format-row-number"
    st.session_state[key] = position + 1
    st.button("Previous", shortcut="K", disabled=position == 0, on_click=step, args=(-1,))
    st.button("Next", shortcut="J", disabled=position + 1 >= total, on_click=step, args=(1,))
    st.number_input(f"Row, of {total:,}", 1, total, key=key, on_change=typed, width=130)
    st.badge(row.state.split, color="blue", help="The split that the row is in")
    value, widget = state.choice("way", list(WAYS), WAYS[0])
    way = st.segmented_control("Show as", WAYS, key=widget, required=True, on_change=state.chosen, args=("way",))
    link("curate", f"Edit row {row.row_id}", icon=":material/edit:", dataset=table.copy.info.ref, row=str(row.row_id))
    state.remember("way", way or value)
    return way or value


def _refused(look: Look, conversation: Conversation, error: StudioError) -> None:
    """Why the template cannot write the row, and the row itself."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(f"{escape(error.message)} {escape(error.hint)}", icon=":material/block:")
        if isinstance(error, CannotCarry) and "it holds" in error.message and st.button("Escape marks"):
            state.put("escape", "yes")
            st.rerun()  # a fragment: the choosers above have to know
    with st.container(border=True):
        show_conversation(conversation)


def _facts(look: Look, conversation: Conversation, tokens: Tokens) -> str:
    """Counts under the row; returns what becomes of the row where it is too long."""
    answer = sum(tokens.trained)
    parts = [f"prompt {len(tokens) - answer:,} · answer {answer:,} · **total {len(tokens):,} tokens**"]
    fate = ""
    if len(tokens) > look.max_length:
        fate = _fate(look, conversation, tokens)
        parts.append(
            f":red[{len(tokens) - look.max_length:,} more than the longest row of {look.max_length:,}. {fate}]"
        )
    else:
        parts.append(f"fits {look.max_length:,}")
    st.markdown(f":small[{' · '.join(parts)}]")
    return fate


def _fate(look: Look, conversation: Conversation, tokens: Tokens) -> str:
    """What a run makes of a row that is too long, in words."""
    tokenizer = look.tokenizer
    assert tokenizer is not None

    def encode(part: Conversation) -> Tokens:
        return tokenizer.tokenize(look.render(part))

    fitted = fit(conversation, tokens, look.max_length, look.policy, encode)
    effect = fitted.effect
    if not fitted.parts:
        return "A run leaves it out." if fitted.outcome == "too long" else "Nothing to learn would be left: it goes."
    what = {
        "cut": "A run cuts it there",
        "shortened": f"A run takes the oldest {counted(effect.turns_removed, 'pair')} away",
        "split": f"A run makes {counted(effect.made, 'row')} of it",
    }.get(fitted.outcome, "It stays as it is")
    return f"{what}: {counted(effect.trained_lost, 'learned token')} lost."
