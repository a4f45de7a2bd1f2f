"""Votes: start one on a comparison's stored answers, find it again, close it."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Sequence

from sqlalchemy import select

from lib.database import Ballot, note, session
from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation import comparisons
from lib.evaluation.votes.outputs import sides, usable
from lib.evaluation.votes.raters import clean_name, clean_text
from lib.evaluation.votes.records import BallotView
from lib.storage import comparison_dir
from lib.words import counted

DEFAULT_QUESTION = "Which answer is better?"
LONGEST_QUESTION = 300
"""Characters."""


def create(
    comparison: int,
    base: str,
    tuned: str,
    user: str,
    *,
    rows: Sequence[int] | None = None,
    limit: int = 0,
    question: str = "",
) -> BallotView:
    """Start a vote on the answers of two sides. Pairs of equal texts and rows known to have leaked are left out.

    Args:
        rows: the questions to vote on; by default all that can be.
        limit: so many of them at most, drawn at random; 0 takes all.
        question: what people are asked of each pair.

    Raises:
        NotFound: no comparison of that number.
        WrongState: it has no stored answers yet.
        BadInput: an unknown side, the same side twice, an unknown row, no pair that could be voted on.
    """
    user = clean_name(user)
    _check_sides(comparison, base, tuned)
    chosen = _rows(comparison, base, tuned, rows)
    seed = secrets.randbelow(2**31)
    random.Random(seed).shuffle(chosen)
    ballot = Ballot(
        id=secrets.token_hex(8),
        comparison_id=comparison,
        base=base,
        tuned=tuned,
        rows=chosen[: max(limit, 0) or None],
        question=clean_text(question, LONGEST_QUESTION) or DEFAULT_QUESTION,
        seed=seed,
        created_by=user,
    )
    with session() as opened:
        opened.add(ballot)
    note(user, f"started a blind vote on comparison {comparison}", f"vote?ballot={ballot.id}")
    return get(ballot.id)


def get(ballot_id: str) -> BallotView:
    """Raises:
    NotFound: no vote of that id.
    """
    with session() as opened:
        return _view(found(opened.get(Ballot, ballot_id), ballot_id))


def list_ballots(comparison: int | None = None) -> list[BallotView]:
    """All votes, or those on one comparison, newest first."""
    wanted = select(Ballot).order_by(Ballot.created_at.desc())
    if comparison is not None:
        wanted = wanted.where(Ballot.comparison_id == comparison)
    with session() as opened:
        return [_view(row) for row in opened.scalars(wanted)]


def close(ballot_id: str, user: str) -> BallotView:
    """End a vote: names and results are open to all from now on.

    Raises:
        NotFound: no vote of that id.
        WrongState: somebody else started it.
    """
    return _set_closed(ballot_id, user, time.time(), "closed")


def reopen(ballot_id: str, user: str) -> BallotView:
    """Let people vote on. Whoever has seen the result is not blind any more; it is noted in the activity list.

    Raises:
        NotFound: no vote of that id.
        WrongState: somebody else started it.
    """
    return _set_closed(ballot_id, user, None, "reopened")


def found(ballot: Ballot | None, ballot_id: str) -> Ballot:
    """The row, if there is one.

    Raises:
        NotFound: there is none.
    """
    if ballot is None:
        raise NotFound(
            f"There is no vote {ballot_id[:40]!r}.", "The link may be cut off; `votes` and the Vote page list them all."
        )
    return ballot


def _set_closed(ballot_id: str, user: str, at: float | None, did: str) -> BallotView:
    user = clean_name(user)
    with session() as opened:
        ballot = found(opened.get(Ballot, ballot_id, with_for_update=True), ballot_id)
        if user != ballot.created_by:
            raise WrongState(f"{ballot.created_by} started this vote.", "Ask them to close or reopen it.")
        changed = (ballot.closed_at is None) != (at is None)
        if changed:
            ballot.closed_at = at
        view = _view(ballot)
    if changed:
        note(user, f"{did} the blind vote on comparison {view.comparison}", f"vote?ballot={ballot_id}")
    return view


def _check_sides(comparison: int, base: str, tuned: str) -> None:
    view = comparisons.get(comparison)
    if view.job.live or not (comparison_dir(comparison) / "result.json").exists():
        raise WrongState(
            f"Comparison {comparison} is {view.status} and has no stored answers to vote on.",
            "Wait until it has finished, or start it again.",
        )
    known = sides(comparison)
    for side in (base, tuned):
        if side not in known:
            raise BadInput(f"Comparison {comparison} has no answers of {side!r}.", f"It has: {', '.join(known)}.")
    if base == tuned:
        raise BadInput(f"{base!r} would stand on both sides.", "Choose two different models.")


def _rows(comparison: int, base: str, tuned: str, rows: Sequence[int] | None) -> list[int]:
    can = usable(comparison, base, tuned)
    wanted = set(can.rows if rows is None else rows)
    if unknown := sorted(wanted.difference(can.rows, can.same, can.leaked)):
        raise BadInput(f"Comparison {comparison} has no row {unknown[0]}.", "Name rows that it has answers to.")
    chosen = [row for row in can.rows if row in wanted]
    if not chosen:
        raise BadInput(
            f"There is no pair to vote on: {counted(len(can.same), 'row')} with the same answer twice, "
            f"{len(can.leaked):,} that leaked into training.",
            "Compare other models, or on more questions.",
        )
    return chosen


def _view(row: Ballot) -> BallotView:
    return BallotView(
        id=row.id,
        comparison=row.comparison_id,
        question=row.question,
        rows=tuple(row.rows),
        created_at=row.created_at,
        created_by=row.created_by,
        closed_at=row.closed_at,
    )
