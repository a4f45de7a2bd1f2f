"""Counts of passes and failures, of one model or of two on the same rows."""

from __future__ import annotations

import math

from lib.evaluation.statistics.records import CONFIDENCE

Z = 1.959963984540054


def wilson(passed: int, rows: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): it has a width when all rows pass, and stays within 0 and 1."""
    from scipy.stats import binomtest

    found = binomtest(passed, rows).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def exact_interval(wins: int, decided: int) -> tuple[float, float]:
    """The 95 % interval of a share (Clopper and Pearson 1934): the shares that the exact binomial test does not reject.
    It leaves out one half where `half_p` is below 0.05, and only there."""
    from scipy.stats import binomtest

    found = binomtest(wins, decided).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)


def paired_interval(gained: int, lost: int, rows: int) -> tuple[float | None, float | None]:
    """The 95 % interval of the difference of two shares on the same rows (Agresti and Min 2005: half a row is added
    to each of the four counts). None for fewer than two rows.

    Args:
        gained: rows that only the second passes.
        lost: rows that only the first passes.
    """
    if rows < 2:
        return None, None
    middle = (gained - lost) / (rows + 2)
    spread = math.sqrt(gained + lost + 1 - (gained - lost) ** 2 / (rows + 2)) / (rows + 2)
    # The added rows draw the middle towards 0: what was seen is in the interval all the same.
    seen = (gained - lost) / rows
    return max(-1.0, min(middle - Z * spread, seen)), min(1.0, max(middle + Z * spread, seen))


def same_p(gained: int, lost: int) -> tuple[float, str]:
    """Two-sided p that a row which only one of the two passes is as likely to be the one's as the other's: McNemar's
    exact test. And its name."""
    return half_p(gained, lost), "McNemar's exact test"


def half_p(wins: int, losses: int) -> float:
    """Two-sided p of a share against one half (exact binomial test)."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
