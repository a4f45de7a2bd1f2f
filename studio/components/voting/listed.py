"""All votes, and a form to start one on the stored answers of a comparison."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from lib.errors import StudioError
from lib.evaluation import comparisons, votes
from lib.evaluation.comparing.checks import SILENCE
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.votes import BallotView
from lib.words import counted
from studio import person
from studio.components.errors import show
from studio.components.frame import empty_state
from studio.components.links import go, link
from studio.components.text import ago, escape, shorten


def show_list(ballots: list[BallotView], comparison: str) -> None:
    """Draw the votes, newest first, under the form. `comparison`: the one that a link proposes."""
    finished = {view.id: view for view in comparisons.list_comparisons() if view.result and not view.job.live}
    if not finished and not ballots:
        empty_state(
            "Nothing to vote on yet: a vote needs the answers of a finished comparison.", "compare", "Compare a run"
        )
        return
    if finished:
        asked = int(comparison) if comparison.isdecimal() and int(comparison) in finished else None
        with st.expander("Start a vote", icon=":material/add:", expanded=asked is not None or not ballots):
            _form(finished, asked)
    for ballot in ballots:
        _line(ballot)


def _line(ballot: BallotView) -> None:
    people = len(votes.progress(ballot.id))
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        state_badge(ballot)
        link("vote", f"**{escape(shorten(ballot.question, 80))}**", icon=None, ballot=ballot.id)
        st.markdown(
            f":small[{counted(ballot.total, 'pair')} of comparison {ballot.comparison} · "
            f"{counted(people, 'voter')} · {escape(ballot.created_by)}, {ago(ballot.created_at)}]",
            width="content",
        )
        if ballot.closed_at is not None and (told := _outcome(ballot.id, ballot.closed_at)):
            st.markdown(f":small[{escape(told)}]", width="content")


@lru_cache(maxsize=256)
def _outcome(ballot_id: str, _closed_at: float) -> str:
    """Who was voted on and what came out, of a closed vote; worked out once, and again when it was reopened."""
    try:
        found = votes.results(ballot_id)
    except StudioError:  # its answers are gone: the vote's own page says so
        return ""
    return f"{found.tuned} against {found.base}: {found.sentence}"


def state_badge(ballot: BallotView) -> None:
    """Open or closed."""
    if ballot.open:
        st.badge("open", color="green", icon=":material/how_to_vote:")
    else:
        st.badge("closed", color="gray", icon=":material/lock:")


def _form(finished: dict[int, ComparisonView], asked: int | None) -> None:
    numbers = list(finished)
    number = st.selectbox(
        "Comparison",
        numbers,
        index=numbers.index(asked) if asked is not None else 0,
        key="vote-comparison",
        format_func=lambda one: _title(finished[one]),
        help="Its stored answers are voted on; nothing is generated.",
    )
    sides = votes.sides(number)
    first, second = st.columns(2)
    base = first.selectbox(
        "First model", sides, key=f"vote-base-{number}", help="What the other is measured against: the base, say."
    )
    others = [side for side in sides if side != base]
    tuned = second.selectbox(
        "Second model", others, key=f"vote-tuned-{number}-{base}", help="The result says how often it is chosen."
    )
    question = st.text_input("Question to people", value=votes.DEFAULT_QUESTION, max_chars=300, key="vote-question")
    left, middle = st.columns(2)
    limit = left.number_input("Pairs at most", 1, 10_000, 40, key="vote-limit", help="Drawn at random.")
    name = middle.text_input(
        "Your name",
        value=person.name(),
        max_chars=person.LENGTH,
        key="vote-owner",
        help="Only you can close the vote. People see your name.",
    )
    if base is None or tuned is None:
        st.caption("This comparison has the answers of one model only.")
        return
    _preview(number, base, tuned, int(limit))
    if st.button("Start the vote", type="primary", icon=":material/how_to_vote:"):
        _start(number, base, tuned, name, int(limit), question)


def _preview(number: int, base: str, tuned: str, limit: int) -> None:
    try:
        can = votes.usable(number, base, tuned)
    except StudioError as error:
        show(error.message, error.hint)
        return
    words = [f"{counted(min(limit, len(can.rows)), 'pair')} of {len(can.rows):,}"]
    if can.same:
        words.append(f"{counted(len(can.same), 'row')} left out: the same answer twice")
    if can.leaked:
        words.append(f"{counted(len(can.leaked), 'row')} left out: in the training data")
    st.caption(" · ".join(words))
    view = comparisons.get(number)
    silent = [one["text"] for one in view.result.get("warnings", []) if one["kind"] == SILENCE]
    if silent and view.sides[0] in (base, tuned):
        st.warning(f"{escape(silent[0])} People will see which side it is.", icon=":material/voice_over_off:")


def _start(number: int, base: str, tuned: str, name: str, limit: int, question: str) -> None:
    try:
        ballot = votes.create(number, base, tuned, name, limit=limit, question=question)
    except StudioError as error:
        show(error.message, error.hint)
        return
    person.give(ballot.created_by)
    go("vote", ballot=ballot.id)


def _title(view: ComparisonView) -> str:
    return f"{view.id} · {view.asked}, {counted(view.result['rows'], 'row')}"
