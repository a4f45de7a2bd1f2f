"""What votes of people say: a win rate with its interval, and how far the people agree.

Several people's votes on one prompt are not independent: take one value a prompt (`majority`), then the win rate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

from lib.errors import BadInput
from lib.evaluation.statistics.proportions import half_p, wilson
from lib.evaluation.statistics.records import ALPHA, FEWEST_ROWS
from lib.evaluation.statistics.words import p_text
from lib.words import counted

SPLIT = "split"
LEVELS = ((0.8, "high"), (0.667, "fair"), (0.4, "moderate"), (0.1, "low"), (-1.0, "no more than chance"))
"""Words for Krippendorff's alpha; he asks for 0.8, or 0.667 for tentative conclusions (Content Analysis, 2004)."""


@dataclass(frozen=True, slots=True)
class WinRate:
    """Votes between two models, those for tuned as wins."""

    wins: int
    losses: int
    ties: int
    split: int
    """No one thing was said most often."""
    both_bad: int
    rate: float | None
    """wins / (wins + losses); None when no vote decides. Ties, split and both bad are counted apart."""
    low: float | None
    """Of Wilson's 95 % interval."""
    high: float | None
    p: float
    """Two-sided, against one half: exact binomial test."""
    verdict: Literal["tuned better", "no evidence", "tuned worse"]

    @property
    def votes(self) -> int:
        return self.wins + self.losses + self.ties + self.split + self.both_bad

    @property
    def apart(self) -> str:
        """What decides nothing: `2 ties, 1 split, 3 both bad`."""
        split = f", {self.split:,} split" if self.split else ""
        return f"{counted(self.ties, 'tie')}{split}, {self.both_bad:,} both bad"

    @property
    def sentence(self) -> str:
        decided = self.wins + self.losses
        if self.rate is None or self.low is None or self.high is None:
            return f"No evidence: none of {counted(self.votes, 'vote')} decides ({self.apart})."
        share = f"{self.rate:.0%} [{self.low:.0%}, {self.high:.0%}]"
        basis = f"{p_text(self.p)}, {counted(decided, 'vote')} that decide; {self.apart}"
        if decided < FEWEST_ROWS:
            return f"No evidence: {counted(decided, 'vote')} that decide: too few to tell ({self.apart})."
        if self.verdict == "no evidence":
            return f"No evidence that people prefer one: tuned wins {share} ({basis})."
        return f"Tuned is {self.verdict.removeprefix('tuned ')}: it wins {share} ({basis})."

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "votes": self.votes, "sentence": self.sentence}


def win_rate(wins: int, losses: int, ties: int = 0, both_bad: int = 0, split: int = 0) -> WinRate:
    """The share of decided votes that tuned wins, with its 95 % interval.

    Raises:
        BadInput: a count below 0.
    """
    if min(wins, losses, ties, both_bad, split) < 0:
        raise BadInput("Votes are counted from 0.", "Give whole numbers of votes.")
    decided = wins + losses
    if not decided:
        return WinRate(wins, losses, ties, split, both_bad, None, None, None, 1.0, "no evidence")
    low, high = wilson(wins, decided)
    p = half_p(wins, losses)
    verdict: Literal["tuned better", "no evidence", "tuned worse"] = "no evidence"
    if p < ALPHA and decided >= FEWEST_ROWS and not low <= 0.5 <= high:
        verdict = "tuned better" if wins > losses else "tuned worse"
    return WinRate(wins, losses, ties, split, both_bad, wins / decided, low, high, p, verdict)


def majority(ratings: Sequence[str | None]) -> str | None:
    """One value of several people's votes: the most frequent; split when two lead; None when nobody voted."""
    counts = Counter(rating for rating in ratings if rating is not None).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return SPLIT
    return counts[0][0] if counts else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people who rated the same prompts agree."""

    units: int
    """Prompts that two people or more rated."""
    raters: int
    """People with such a rating."""
    alpha: float | None
    """Krippendorff's alpha, nominal: 1 full agreement, 0 no more than chance. None: cannot be told."""
    low: float | None
    """Of its 95 % bootstrap interval; None too when there is no disagreement to resample."""
    high: float | None
    percent: float | None
    """Share of pairs of ratings on one prompt that are equal, 0 to 1."""

    @property
    def sentence(self) -> str:
        if self.percent is None:
            return "No prompt was rated by two people: agreement cannot be told."
        same = f"two people said the same {self.percent:.0%} of the time"
        over = f"{counted(self.units, 'prompt')}, {self.raters} people"
        if self.alpha is None:
            return f"All votes are the same ({over}): how much of that is chance cannot be told."
        interval = f" [{self.low:.2f}, {self.high:.2f}]" if self.low is not None and self.high is not None else ""
        level = next(word for floor, word in LEVELS if self.alpha >= floor)
        return (
            f"The voters' agreement is {level}: alpha {self.alpha:.2f}{interval}, where 0 is chance and 1 is full; "
            f"{same} ({over})."
        )

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "sentence": self.sentence}


def agreement(ratings: Sequence[Sequence[str | None]], seed: int = 0) -> Agreement:
    """Krippendorff's alpha (nominal; evalica) with its bootstrap interval, and plain agreement.

    Args:
        ratings: a row a prompt, a column a person; None where that person did not rate.

    Raises:
        BadInput: rows of different lengths.
    """
    if len({len(row) for row in ratings}) > 1:
        raise BadInput("The ratings have rows of different lengths.", "Give one column a person, None for no rating.")
    shared = [row for row in ratings if sum(rating is not None for rating in row) > 1]
    pairs = [one == other for row in shared for one, other in combinations([r for r in row if r is not None], 2)]
    if not pairs:
        return Agreement(0, 0, None, None, None, None)
    raters = sum(any(row[person] is not None for row in shared) for person in range(len(shared[0])))
    percent = sum(pairs) / len(pairs)
    if len({rating for row in shared for rating in row if rating is not None}) == 1:
        return Agreement(len(shared), raters, None, None, None, percent)
    return Agreement(len(shared), raters, *_alpha(shared, seed), percent)


def _alpha(shared: Sequence[Sequence[str | None]], seed: int) -> tuple[float, float, float]:
    import evalica
    import pandas as pd

    table = pd.DataFrame(list(shared), dtype=object).T
    found = evalica.alpha_bootstrap(table, distance="nominal", random_state=seed)
    return float(found.alpha), float(found.low), float(found.high)
