"""What the statistics found, as plain records, and the limits that they share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from lib.evaluation.metrics import finite

CONFIDENCE = 0.95
ALPHA = 0.05
TIE = 1e-9
"""Values of one row that differ by no more than this are a tie."""
FEWEST_ROWS = 5
"""Fewer rows are never called better or worse."""

Verdict = Literal["tuned better", "no evidence", "tuned worse", "differs"]
"""`differs`: of a metric in which neither direction is better."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus figure and its 95 % interval, in the metric's unit."""

    n: int
    """Rows that count."""
    mean: float
    """nan for no rows."""
    low: float | None
    """None for fewer than two rows."""
    high: float | None

    def to_dict(self) -> dict[str, Any]:
        return {"n": self.n, "mean": finite(self.mean), "low": finite(self.low), "high": finite(self.high)}


@dataclass(frozen=True, slots=True)
class Difference:
    """Tuned less base on the same rows, in the metric's unit."""

    n: int
    """Rows that count in both."""
    difference: float
    """Corpus figure of tuned less that of base; nan for no rows."""
    low: float | None
    """Of the 95 % interval of `difference`; None for fewer than two rows."""
    high: float | None
    p: float
    """Two-sided: how often chance alone, swapping base and tuned row by row, gives as large a difference."""
    wins: int
    """Rows where tuned is better, in the metric's own direction; higher, where it has none."""
    ties: int
    losses: int
    verdict: Verdict
    test: str = ""
    """Where `p` comes from; empty when nothing was tested."""
    unmatched: int = 0
    """Rows that count in one of the two only, and so in neither here."""
    p_holm: float | None = None
    """`p` once corrected for all that was tested beside it; None before that."""
    untested: str = ""
    """Why nothing could be tested, for a person; empty when something was."""

    @property
    def detectable(self) -> float | None:
        """The smallest true difference that this many rows would show four times out of five (5 % level).

        An estimate from the interval's width, 2 x 1.96 standard errors: (1.96 + 0.84) standard errors.
        """
        if self.low is None or self.high is None or self.high <= self.low:
            return None
        return (1.96 + 0.84) * (self.high - self.low) / (2 * 1.96)

    @property
    def enough(self) -> bool:
        """Whether there was something to test, on rows enough to say something."""
        return self.n >= FEWEST_ROWS and not self.untested

    def to_dict(self) -> dict[str, Any]:
        figures = {
            key: finite(getattr(self, key)) for key in ("difference", "low", "high", "p", "p_holm", "detectable")
        }
        return {**asdict(self), **figures}


@dataclass(frozen=True, slots=True)
class OverallVerdict:
    """What all metrics together say of one tuned side."""

    verdict: Literal["tuned better", "no evidence", "tuned worse", "mixed", "too few rows", "not tested"]
    sentence: str

    def to_dict(self) -> dict[str, str]:
        return {"verdict": self.verdict, "sentence": self.sentence}
