"""Where one person votes: pair after pair, by button or key, back to any of them."""

from __future__ import annotations

import time

import streamlit as st

from lib.errors import StudioError
from lib.evaluation import votes
from lib.evaluation.votes import CHOICES, BallotView, Pair, Standing
from lib.words import counted
from studio.components.errors import guarded, show
from studio.components.text import escape
from studio.components.voting.answers import show_answers
from studio.components.voting.browser import vote_as

BUTTONS = {
    "left": ("A is better", "1"),
    "tie": ("Tie", "2"),
    "right": ("B is better", "3"),
    "both_bad": ("Both bad", "0"),
    "skip": ("Skip", "S"),
}
"""Choice -> the button's words and key."""
_FAULT = "vote-fault"
_TOO_SOON = "vote-too-soon"
_IN_SIGHT = "vote-pair-in-sight"
READING_SECONDS = 0.4
"""A pair that came so short a time ago was not read: a key pressed twice would vote on it."""


@st.fragment
@guarded
def show_booth(ballot: BallotView, name: str) -> None:
    """Draw the pair in hand. A vote draws this part of the page anew, nothing else."""
    fault = st.session_state.pop(_FAULT, None)
    if fault is not None and not votes.get(ballot.id).open:
        st.rerun()  # closed a moment ago
    standing = votes.standing(ballot.id, name)
    place = _place(ballot, standing)
    pair = votes.pair(ballot.id, name, place)
    _note_in_sight(pair)
    _progress(ballot, standing)
    if fault is not None:
        show(fault.message, fault.hint)
    show_answers(pair.prompt, (pair.left, pair.right), key="pair")
    _buttons(ballot, name, pair, standing)
    if st.session_state.pop(_TOO_SOON, False):
        st.caption(":material/info: Not counted: this pair had only just come. Read it, then vote.")
    _places(ballot, name, standing, place)
    with st.container(key="comment"):
        _comment_box(ballot, name, pair)


def _comment_box(ballot: BallotView, name: str, pair: Pair) -> None:
    st.text_area(
        "Comment (optional)",
        value=pair.comment,
        max_chars=2_000,
        height=68,
        key=_comment_key(ballot, pair.row_id),
        on_change=_comment,
        args=(ballot, name, pair),
        placeholder="Before you vote. N leads here, Esc back to the keys.",
        help="Kept with your vote on this pair.",
    )


def _note_in_sight(pair: Pair) -> None:
    """Which pair is on screen, and since when."""
    row_id, _ = st.session_state.get(_IN_SIGHT, (None, 0.0))
    if row_id != pair.row_id:
        st.session_state[_IN_SIGHT] = pair.row_id, time.monotonic()


def _place(ballot: BallotView, standing: Standing) -> int:
    """The pair in hand: the first without a vote, until the person goes to another."""
    slot = _slot(ballot)
    if slot not in st.session_state:
        st.session_state[slot] = standing.next() or 0
    place: int = st.session_state[slot]
    return min(max(place, 0), ballot.total - 1)


def _progress(ballot: BallotView, standing: Standing) -> None:
    left = f", {counted(standing.skipped, 'pair')} skipped" if standing.skipped else ""
    st.progress(
        standing.done / ballot.total, f"{standing.done - standing.skipped:,} of {ballot.total:,} voted on{left}"
    )
    if standing.done == ballot.total:
        done = "You have voted on every pair."
        if standing.skipped:
            skipped = counted(standing.skipped, "pair")
            done = f"That was every pair; {skipped} skipped, which you can go to under Pair and vote on after all."
        st.success(
            f"{done} Any vote can be changed until the vote is closed; the result then stands here.",
            icon=":material/check:",
        )


def _places(ballot: BallotView, name: str, standing: Standing, place: int) -> None:
    """Going to any pair, and the name that is voted under."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        widget = f"vote-choose-{ballot.id}"
        st.session_state[widget] = place
        st.selectbox(
            "Pair",
            range(ballot.total),
            key=widget,
            width=220,
            on_change=_chosen,
            args=(ballot, widget),
            format_func=lambda index: _label(ballot, standing, index),
        )
        for label, key, to in (("Previous", "K", place - 1), ("Next", "J", place + 1)):
            st.button(
                label,
                shortcut=key,
                disabled=not 0 <= to < ballot.total,
                on_click=_go,
                args=(ballot, to),
                key=f"pair-{label}",
            )
        with st.popover(escape(name), icon=":material/person:", type="tertiary"):
            st.caption("Your votes are counted under this name.")
            if st.button("Vote under another name", key="another-voter"):
                vote_as(ballot.id, "")
                st.session_state.pop(_slot(ballot), None)
                st.rerun()


def _label(ballot: BallotView, standing: Standing, index: int) -> str:
    said = standing.choices[index]
    return f"{index + 1} of {ballot.total}{f' · {CHOICES[said]}' if said else ''}"


def _buttons(ballot: BallotView, name: str, pair: Pair, standing: Standing) -> None:
    """Each button belongs to its pair: a second press before the next one is drawn counts for the pair in sight."""
    with st.container(horizontal=True, gap="small"):
        for choice, (label, key) in BUTTONS.items():
            st.button(
                label,
                shortcut=key,
                type="primary" if pair.choice == choice else "secondary",
                key=f"vote-{choice}-{pair.row_id}",
                on_click=_vote,
                args=(ballot, name, pair, choice),
            )
        st.button(
            "Undo last",
            shortcut="U",
            type="tertiary",
            icon=":material/undo:",
            disabled=not standing.done,
            on_click=_undo,
            args=(ballot, name),
            key="vote-undo",
        )


def _vote(ballot: BallotView, name: str, pair: Pair, choice: str) -> None:
    """One vote for each drawing of a pair: while the next one is drawn the browser still has the buttons of the last,
    and a key presses them all."""
    row_id, since = st.session_state.get(_IN_SIGHT, (None, 0.0))
    if row_id != pair.row_id:
        return
    if time.monotonic() - since < READING_SECONDS:
        st.session_state[_TOO_SOON] = True
        return
    del st.session_state[_IN_SIGHT]
    comment = st.session_state.get(_comment_key(ballot, pair.row_id), pair.comment)
    try:
        votes.cast(ballot.id, name, pair.row_id, choice, comment)
        following = votes.standing(ballot.id, name).next(pair.index)
    except StudioError as error:
        st.session_state[_FAULT] = error
        return
    st.session_state[_slot(ballot)] = min(pair.index + 1, ballot.total - 1) if following is None else following


def _comment(ballot: BallotView, name: str, pair: Pair) -> None:
    """A comment that is written after the vote is kept as well."""
    if not pair.choice:
        return
    try:
        votes.cast(ballot.id, name, pair.row_id, pair.choice, st.session_state[_comment_key(ballot, pair.row_id)])
    except StudioError as error:
        st.session_state[_FAULT] = error


def _undo(ballot: BallotView, name: str) -> None:
    try:
        row_id = votes.undo_last(ballot.id, name)
    except StudioError as error:
        st.session_state[_FAULT] = error
        return
    if row_id is not None:
        st.session_state.pop(_comment_key(ballot, row_id), None)
        _go(ballot, ballot.rows.index(row_id))


def _chosen(ballot: BallotView, widget: str) -> None:
    place = st.session_state[widget]
    if isinstance(place, int):  # a vote meanwhile changed the words of the option, which then comes as text
        _go(ballot, place)


def _go(ballot: BallotView, place: int) -> None:
    st.session_state[_slot(ballot)] = place


def _slot(ballot: BallotView) -> str:
    return f"vote-place-{ballot.id}"


def _comment_key(ballot: BallotView, row_id: int) -> str:
    return f"vote-comment-{ballot.id}-{row_id}"
