"""Votes on the team database: many writers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from lib.database import Vote, VoteChange, session
from lib.errors import WrongState
from lib.evaluation import votes
from tests.evaluation import stored
from tests.postgres import postgres, server

__all__ = ["postgres", "server"]


def test_many_vote_at_once_and_one_closes(postgres):
    ballot = votes.create(stored.pairs(), "starter", "gentle-otter", "ada")

    def vote(number):
        votes.cast(ballot.id, f"person {number % 3}", ballot.rows[number % 2], "tie", f"number {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(vote, range(48)))
    with session() as opened:
        assert len(opened.scalars(select(Vote)).all()) == 6
        assert len(opened.scalars(select(VoteChange)).all()) == 48
    assert votes.undo_last(ballot.id, "person 0") in ballot.rows

    def vote_or_close(number):
        try:
            votes.close(ballot.id, "ada") if number == 12 else vote(number)
        except WrongState:
            return "refused"
        return "done"

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(vote_or_close, range(24)))
    with session() as opened:
        counted = len(opened.scalars(select(VoteChange)).all())
    assert counted == 49 + ended.count("done") - 1
    found = votes.results(ballot.id)
    assert found.win.ties == 2 and not found.ballot.open
