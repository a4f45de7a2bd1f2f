"""Blind votes of people on the stored answers of two sides of a comparison.

    create(7, "starter", "gentle-otter", "ada")     -> BallotView; its id is the link
    next_pair(id, "bob"), pair(id, "bob", 3)        -> Pair: two texts, left and right, and no name
    cast(id, "bob", row, "left"), undo_last(...)    stored as base or tuned; every change is kept
    close(id, "ada"); results(id)                   -> Results: names, win rate, agreement

ballots    create, get, list, close, reopen
outputs    the stored answers that are voted on
raters     names of people, and how far each is
shuffling  which side a person sees on the left
casting    pairs, votes, taking the last one back
records    what these return
results    after closing: win rate, agreement, the place's influence, a line a prompt
exports    CSV, JSON Lines, preference pairs for DPO

Nothing that is returned before a ballot is closed says which model wrote which text.
"""

from __future__ import annotations

from lib.evaluation.votes.ballots import DEFAULT_QUESTION, close, create, get, list_ballots, reopen
from lib.evaluation.votes.casting import cast, next_pair, pair, standing, undo_last
from lib.evaluation.votes.exports import EXPORTS, content, write
from lib.evaluation.votes.outputs import Usable, sides, usable
from lib.evaluation.votes.raters import clean_name, known_rater, progress
from lib.evaluation.votes.records import CHOICES, BallotView, Pair, PromptVotes, RaterProgress, Results, Standing
from lib.evaluation.votes.results import results, texts

__all__ = [
    "CHOICES",
    "DEFAULT_QUESTION",
    "EXPORTS",
    "BallotView",
    "Pair",
    "PromptVotes",
    "RaterProgress",
    "Results",
    "Standing",
    "Usable",
    "cast",
    "clean_name",
    "close",
    "content",
    "create",
    "get",
    "known_rater",
    "list_ballots",
    "next_pair",
    "pair",
    "progress",
    "reopen",
    "results",
    "sides",
    "standing",
    "texts",
    "undo_last",
    "usable",
    "write",
]
