"""Three models or more, from votes between two at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lib.errors import BadInput

Outcome = Literal["left", "right", "tie"]
RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Rank:
    """One model among the others."""

    name: str
    score: float
    """Bradley-Terry strength, 1 in the middle: it beats another of strength s with a chance of score / (score + s)."""
    low: float
    """Of the 95 % bootstrap interval."""
    high: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def ranking(matches: Sequence[tuple[str, str, Outcome]], seed: int = 0) -> list[Rank]:
    """Models by strength, best first (Bradley and Terry 1952; evalica). A tie is half a win for both.

    Args:
        matches: left, right, and which of them was preferred.

    Raises:
        BadInput: fewer than three models: for two the win rate says it all.
    """
    import evalica

    names = sorted({name for left, right, _ in matches for name in (left, right)})
    if len(names) < 3:
        raise BadInput(f"There are votes on {len(names)} models.", "A ranking needs three; two have a win rate.")
    winners = {"left": evalica.Winner.X, "right": evalica.Winner.Y, "tie": evalica.Winner.Draw}
    found = evalica.bootstrap(
        evalica.bradley_terry,  # type: ignore[arg-type]  # its own annotation is narrower than what it takes
        [left for left, _, _ in matches],
        [right for _, right, _ in matches],
        [winners[outcome] for _, _, outcome in matches],
        n_resamples=RESAMPLES,
        bootstrap_method="percentile",
        random_state=seed,
    )
    ranks = [
        Rank(name, float(found.result.scores[name]), float(found.low[name]), float(found.high[name])) for name in names
    ]
    return sorted(ranks, key=lambda rank: (-rank.score, rank.name))
