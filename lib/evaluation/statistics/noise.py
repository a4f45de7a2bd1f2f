"""How far a figure moves when only the seed changes: whether a difference is more than that."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lib.evaluation.metrics import finite
from lib.evaluation.statistics.records import CONFIDENCE
from lib.words import counted

FEWEST_SEEDS = 3
"""From two seeds the spread is anybody's guess: 95 % then reaches 18 times as far as what was seen."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A metric's corpus figure over runs that differ in nothing but the seed."""

    n: int
    """Seeds."""
    mean: float
    spread: float | None
    """Standard deviation; None for one seed."""
    low: float
    """Lowest and highest figure seen."""
    high: float
    swing: float | None
    """How far apart two such runs are at most, 95 times out of 100; None for fewer than `FEWEST_SEEDS`."""

    @property
    def sentence(self) -> str:
        seen = f"{counted(self.n, 'seed')}: {self.low:.4g} to {self.high:.4g}"
        if self.swing is None:
            return f"{seen}; {FEWEST_SEEDS} seeds at least tell how much is noise."
        return f"{seen}; a difference of up to {self.swing:.2g} between two runs may be the seed alone."

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "mean": finite(self.mean), "sentence": self.sentence}


def noise(figures: Sequence[float]) -> Noise:
    """The spread of one figure a seed; figures that are no numbers are left out.

    Two runs whose figures vary by a standard deviation s differ by sqrt(2) s; Student's t makes up for s being
    estimated from few seeds.
    """
    from scipy.special import stdtrit

    there = [figure for figure in figures if math.isfinite(figure)]
    if not there:
        return Noise(0, math.nan, None, 0.0, 0.0, None)
    spread = statistics.stdev(there) if len(there) > 1 else None
    swing = None
    if spread is not None and len(there) >= FEWEST_SEEDS:
        swing = float(stdtrit(len(there) - 1, (1 + CONFIDENCE) / 2)) * math.sqrt(2) * spread
    return Noise(len(there), statistics.fmean(there), spread, min(there), max(there), swing)
