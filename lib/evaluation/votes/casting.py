"""Pairs as one person sees them, and what they say of them. One current vote for each person and pair."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lib.database import Ballot, Vote, VoteChange, session
from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation.votes.ballots import found
from lib.evaluation.votes.outputs import answers
from lib.evaluation.votes.raters import clean_name, clean_text
from lib.evaluation.votes.records import CHOICES, Pair, Standing
from lib.evaluation.votes.shuffling import BASE, left_side, to_seen, to_stored

LONGEST_COMMENT = 2_000
"""Characters."""
State = tuple[str, str]
"""A vote's choice, as base and tuned, and its comment; ("", "") where there is none."""
NOTHING: State = ("", "")


def pair(ballot_id: str, rater: str, index: int) -> Pair:
    """The pair at a place of the ballot (from 0), with its sides as this person sees them at every visit.

    Raises:
        NotFound: no such vote or place.
        StorageError: the stored answers are gone.
    """
    rater = clean_name(rater)
    with session() as opened:
        ballot = found(opened.get(Ballot, ballot_id), ballot_id)
        if not 0 <= index < len(ballot.rows):
            raise NotFound(f"This vote has no pair {index + 1}.", f"It has {len(ballot.rows)}.")
        row_id = ballot.rows[index]
        choice, comment = _state(opened, ballot_id, rater, row_id)
    stored = answers(ballot.comparison_id, ballot.base, ballot.tuned, [row_id])[row_id]
    left = left_side(ballot.seed, rater, row_id)
    texts = (stored.base, stored.tuned) if left == BASE else (stored.tuned, stored.base)
    return Pair(index, row_id, stored.prompt, *texts, to_seen(choice, left), comment)


def standing(ballot_id: str, rater: str) -> Standing:
    """What this person said of each pair so far.

    Raises:
        NotFound: no such vote.
    """
    rater = clean_name(rater)
    with session() as opened:
        ballot = found(opened.get(Ballot, ballot_id), ballot_id)
        wanted = select(Vote.row_id, Vote.choice).where(Vote.ballot_id == ballot_id, Vote.rater == rater)
        said = {vote.row_id: vote.choice for vote in opened.execute(wanted)}
    seen = (to_seen(said.get(row, ""), left_side(ballot.seed, rater, row)) for row in ballot.rows)
    return Standing(tuple(seen))


def next_pair(ballot_id: str, rater: str, after: int = -1) -> Pair | None:
    """The next pair that this person has said nothing of, round from the place `after`; None when there is none.

    Raises:
        NotFound: no such vote.
    """
    place = standing(ballot_id, rater).next(after)
    return None if place is None else pair(ballot_id, rater, place)


def cast(ballot_id: str, rater: str, row_id: int, choice: str, comment: str = "") -> None:
    """Say something of a pair, or change what one said. The same again is no change.

    Args:
        choice: one of `CHOICES`, left and right as this person sees them.

    Raises:
        BadInput: another choice, no name.
        NotFound: no such vote, or a row that is not in it.
        WrongState: the vote is closed.
    """
    rater, comment = clean_name(rater), clean_text(comment, LONGEST_COMMENT)
    if choice not in CHOICES:
        raise BadInput(f"{choice!r} is no vote.", f"Use one of: {', '.join(CHOICES)}.")
    with session() as opened:
        ballot = _open_ballot(opened, ballot_id)
        if row_id not in ballot.rows:
            raise NotFound(f"Row {row_id} is not in this vote.", "Reload the page.")
        left = left_side(ballot.seed, rater, row_id)
        state = (to_stored(choice, left), comment)
        if state != _state(opened, ballot_id, rater, row_id):
            _store(opened, ballot, rater, row_id, state)


def undo_last(ballot_id: str, rater: str) -> int | None:
    """Take back this person's last vote or change; once more, the one before it. The row's id, or None: nothing left.

    A vote that puts a pair back to what it was before the last one counts as having taken that back.

    Raises:
        NotFound: no such vote.
        WrongState: the vote is closed.
    """
    rater = clean_name(rater)
    with session() as opened:
        ballot = _open_ballot(opened, ballot_id)
        wanted = select(VoteChange).where(VoteChange.ballot_id == ballot_id, VoteChange.rater == rater)
        standing_changes: list[tuple[int, State]] = []  # each with the state of its row before it
        now: dict[int, State] = {}
        for change in opened.scalars(wanted.order_by(VoteChange.id)):
            new = (change.choice, change.comment)
            if standing_changes and standing_changes[-1] == (change.row_id, new):
                standing_changes.pop()
            else:
                standing_changes.append((change.row_id, now.get(change.row_id, NOTHING)))
            now[change.row_id] = new
        if not standing_changes:
            return None
        row_id, before = standing_changes[-1]
        _store(opened, ballot, rater, row_id, before)
        return row_id


def _open_ballot(opened: Session, ballot_id: str) -> Ballot:
    """The ballot, held so that it cannot be closed before this transaction ends (SQLite writes one at a time anyway).

    Raises:
        NotFound: no such vote.
        WrongState: it is closed.
    """
    ballot = found(opened.get(Ballot, ballot_id, with_for_update={"read": True}), ballot_id)
    if ballot.closed_at is not None:
        raise WrongState("This vote is closed.", "Its result is on the same page.")
    return ballot


def _state(opened: Session, ballot_id: str, rater: str, row_id: int) -> State:
    vote = opened.get(Vote, (ballot_id, rater, row_id))
    return (vote.choice, vote.comment) if vote else NOTHING


def _store(opened: Session, ballot: Ballot, rater: str, row_id: int, state: State) -> None:
    """Set or remove the current vote, and add to the history."""
    choice, comment = state
    key = {"ballot_id": ballot.id, "rater": rater, "row_id": row_id}
    values: dict[str, Any] = {"choice": choice, "comment": comment, "at": time.time()}
    opened.add(VoteChange(**key, **values, left=left_side(ballot.seed, rater, row_id)))
    if state == NOTHING:
        opened.execute(delete(Vote).filter_by(**key))
        return
    insert = postgresql.insert if opened.get_bind().dialect.name == "postgresql" else sqlite.insert
    opened.execute(insert(Vote).values(**key, **values).on_conflict_do_update(index_elements=list(key), set_=values))
