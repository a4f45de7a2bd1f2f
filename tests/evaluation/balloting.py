"""Votes on the two sides of `stored.pairs`."""

from __future__ import annotations

from lib.evaluation import votes

BASE_NAME, TUNED_NAME = "starter", "gentle-otter"


def prefer(ballot, rater, wanted, index):
    """Vote for a model, whatever side it is on: the tests know which text is whose."""
    pair = votes.pair(ballot.id, rater, index)
    tuned_left = "short" in pair.left
    votes.cast(ballot.id, rater, pair.row_id, "left" if tuned_left == (wanted == TUNED_NAME) else "right")
