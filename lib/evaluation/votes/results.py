"""What a closed vote says. Before, there is only how many votes each person has cast (`raters.progress`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from lib.database import Ballot, Vote, session
from lib.errors import WrongState
from lib.evaluation import comparisons
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.statistics import Agreement, agreement, majority, win_rate
from lib.evaluation.statistics.proportions import exact_interval, half_p
from lib.evaluation.statistics.resampling import bootstrap_interval
from lib.evaluation.votes.ballots import found, get
from lib.evaluation.votes.outputs import Answers, answers, cut, usable
from lib.evaluation.votes.raters import progress
from lib.evaluation.votes.records import Position, PromptVotes, Results
from lib.evaluation.votes.shuffling import BASE, TUNED, left_side, to_seen

STORED = (BASE, TUNED, "tie", "both_bad", "skip")


@dataclass(frozen=True, slots=True)
class Count:
    """Everything of a closed ballot, as stored."""

    ballot: Ballot
    votes: list[Vote]
    answers: dict[int, Answers]


def count(ballot_id: str) -> Count:
    """The votes with the names that belong to them.

    Raises:
        NotFound: no such vote.
        WrongState: it is still open, so nobody may see who leads.
        StorageError: the stored answers are gone.
    """
    with session() as opened:
        ballot = found(opened.get(Ballot, ballot_id), ballot_id)
        if ballot.closed_at is None:
            raise WrongState("This vote is still open: its result would sway people.", "Close it first.")
        votes = list(opened.scalars(select(Vote).where(Vote.ballot_id == ballot_id).order_by(Vote.rater, Vote.at)))
    return Count(ballot, votes, answers(ballot.comparison_id, ballot.base, ballot.tuned, ballot.rows))


def results(ballot_id: str) -> Results:
    """Win rate of one value a prompt, agreement, the influence of the place, and a line a prompt.

    Raises:
        NotFound: no such vote.
        WrongState: it is still open.
        StorageError: the stored answers are gone.
    """
    counted = count(ballot_id)
    ballot = counted.ballot
    prompts = prompt_votes(counted)
    by_prompt = Counter(prompt.majority for prompt in prompts)
    share, low, high = _share(prompts, ballot.seed)
    cast = Counter(vote.choice for vote in counted.votes)
    view = comparisons.get(ballot.comparison_id)
    return Results(
        ballot=get(ballot_id),
        base=ballot.base,
        tuned=ballot.tuned,
        win=win_rate(by_prompt[TUNED], by_prompt[BASE], by_prompt["tie"], by_prompt["both_bad"], by_prompt["split"]),
        counts={choice: cast[choice] for choice in STORED},
        share=share,
        share_low=low,
        share_high=high,
        agreement=_agreement(counted),
        position=_position(counted),
        raters=progress(ballot_id),
        prompts=prompts,
        same=len(usable(ballot.comparison_id, ballot.base, ballot.tuned).same),
        bases=tuple(name for name in (ballot.base, ballot.tuned) if _is_base(view, name)),
        asked=view.asked,
        limit=view.settings.max_new_tokens,
        cut=cut(ballot.comparison_id, ballot.base, ballot.tuned, ballot.rows),
    )


def _is_base(view: ComparisonView, name: str) -> bool:
    """Whether a side is the model that a run of the comparison was trained on."""
    side = next((one for one in view.who if one.name == name), None)
    if side is None:  # compared before sides were kept: runs and their base
        return name not in view.runs
    return side.run is None and any(one.run and one.base == side.base for one in view.who)


def prompt_votes(counted: Count) -> list[PromptVotes]:
    """The votes a question, in the ballot's order. A skip says nothing of a pair."""
    lines = []
    on: dict[int, list[Vote]] = {row_id: [] for row_id in counted.ballot.rows}
    for vote in counted.votes:
        on[vote.row_id].append(vote)
    for row_id, votes in on.items():
        cast = Counter(vote.choice for vote in votes)
        lines.append(
            PromptVotes(
                row_id=row_id,
                prompt=counted.answers[row_id].prompt,
                **{choice: cast[choice] for choice in STORED},
                majority=majority([vote.choice for vote in votes if vote.choice != "skip"]),
                comments=tuple(
                    (vote.rater, vote.comment, left_side(counted.ballot.seed, vote.rater, row_id))
                    for vote in votes
                    if vote.comment
                ),
            )
        )
    return lines


def texts(found: Results, row_id: int) -> tuple[str, str]:
    """What base and tuned answered to one question of a closed vote.

    Raises:
        StorageError: the stored answers are gone.
    """
    shown = answers(found.ballot.comparison, found.base, found.tuned, [row_id])[row_id]
    return shown.base, shown.tuned


def _share(prompts: Sequence[PromptVotes], seed: int) -> tuple[float | None, float | None, float | None]:
    """Mean over prompts of tuned's share of the deciding votes, and its interval, prompts resampled."""
    decided = [(prompt.tuned / (prompt.base + prompt.tuned), 1.0) for prompt in prompts if prompt.base + prompt.tuned]
    if not decided:
        return None, None, None
    sums = np.array(decided)
    low, high = bootstrap_interval(sums, lambda drawn: drawn[..., 0] / drawn[..., 1], seed, corrected=False)
    if low == high:  # all alike: resampling has nothing to show, which is no certainty
        low = high = None
    return float(sums[:, 0].mean()), low, high


def _agreement(counted: Count) -> Agreement:
    people = sorted({vote.rater for vote in counted.votes})
    said = {(vote.row_id, vote.rater): vote.choice for vote in counted.votes if vote.choice != "skip"}
    table = [[said.get((row_id, person)) for person in people] for row_id in counted.ballot.rows]
    return agreement(table, counted.ballot.seed)


def _position(counted: Count) -> Position:
    seed = counted.ballot.seed
    seen = Counter(to_seen(vote.choice, left_side(seed, vote.rater, vote.row_id)) for vote in counted.votes)
    left, right = seen["left"], seen["right"]
    if not left + right:
        return Position(left, right, None, None, None, 1.0)
    return Position(left, right, left / (left + right), *exact_interval(left, left + right), half_p(left, right))
