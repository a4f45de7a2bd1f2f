"""Resampling rows: bootstrap intervals and paired permutation tests of any figure of sums.

A figure is a function of sums over rows (lib.evaluation.metrics.figures), so a resample is how often each row is drawn
times the rows' sums: thousands at once in a product of matrices, and leaving out one row, as BCa needs, is a
subtraction. scipy's own bootstrap draws every column anew and takes rows squared for BCa; the tests hold these
against it. scipy is imported when first needed: it takes half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lib.evaluation.statistics.records import CONFIDENCE, TIE

Array = NDArray[np.float64]
Figure = Callable[[Array], Array]
"""Of sums over the last axis."""

RESAMPLES = 2_000
PERMUTATIONS = 9_999
EXACT_ROWS = 13
"""Up to this many rows that differ, all 2^n swaps are tried."""
BATCH_NUMBERS = 500_000
"""Draws held at once: 4 MB as floats, which stays in the processor's cache."""
KEPT_NUMBERS = 60_000_000
"""Draws kept for the next figure of as many rows: 60 MB."""


def bootstrap_interval(
    sums: Array, figure: Figure, seed: int, corrected: bool = True, z: float | None = None
) -> tuple[float | None, float | None]:
    """The 95 % interval of `figure`, rows drawn with replacement; None for under two rows, or where it has no answer.

    Args:
        sums: (rows, sums).
        figure: what is estimated.
        seed: of the draws.
        corrected: BCa, bias-corrected and accelerated (Efron 1987); else plain percentiles.
        z: how far out, in standard errors. By default wide enough that few rows are covered as often as many:
            sqrt(n / (n - 1)) times Student's t with n - 1 degrees (Hesterberg 2015, "expanded percentile").
    """
    rows = len(sums)
    if rows < 2:
        return None, None
    found = np.concatenate([figure(draws @ sums) for draws in _draws(rows, seed)])
    if not np.isfinite(found).all():
        found = found[np.isfinite(found)]
    middle = float(figure(sums.sum(axis=0)))
    if not len(found) or not np.isfinite(middle):
        return None, None
    reach = z if z is not None else _reach(rows)
    shares = _percentiles(sums, figure, found, middle, reach) if corrected else None
    low, high = np.quantile(found, shares or _plain(reach))
    return float(low), float(high)


def _draws(rows: int, seed: int) -> Iterator[Array]:
    """(draws, rows) at a time: how often each row is in each of the `RESAMPLES` resamples."""
    kept = rows * RESAMPLES <= KEPT_NUMBERS
    for block in _kept_draws(rows, seed) if kept else _made_draws(rows, seed):
        yield block.astype(np.float64)


@lru_cache(maxsize=2)
def _kept_draws(rows: int, seed: int) -> list[NDArray[np.uint8]]:
    return list(_made_draws(rows, seed))


def _made_draws(rows: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    size = max(1, BATCH_NUMBERS // rows)
    for start in range(0, RESAMPLES, size):
        count = min(size, RESAMPLES - start)
        drawn = rng.integers(rows, size=(count, rows)) + np.arange(count)[:, None] * rows
        times = np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)
        yield np.minimum(times, 255).astype(np.uint8)


def _reach(rows: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(rows - 1, (1 + CONFIDENCE) / 2) * np.sqrt(rows / (rows - 1)))


def _plain(reach: float) -> tuple[float, float]:
    from scipy.special import ndtr

    return float(ndtr(-reach)), float(ndtr(reach))


def _percentiles(sums: Array, figure: Figure, found: Array, middle: float, reach: float) -> tuple[float, float] | None:
    """Which percentiles of the resamples BCa takes; None where it has no answer."""
    from scipy.special import ndtr, ndtri

    without = figure(sums.sum(axis=0) - sums)
    away = without.mean() - without
    spread = float((away**2).sum())
    below = float((found < middle).mean() + (found <= middle).mean()) / 2
    if not np.isfinite(spread) or spread <= 0 or not 0 < below < 1:
        return None
    skew = float((away**3).sum()) / (6 * spread**1.5)
    bias = float(ndtri(below))
    low, high = (bias + (bias + side) / (1 - skew * (bias + side)) for side in (-reach, reach))
    return (float(ndtr(low)), float(ndtr(high))) if np.isfinite(low) and low < high else None


def swap_p(base: Array, tuned: Array, figure: Figure, seed: int) -> tuple[float, str]:
    """Two-sided p of the difference of the two figures, were base and tuned the same, and the name of the test.

    Row by row base and tuned change places, or not: all 2^n ways up to 13 rows that differ, else 9,999 at random and
    the one that was seen (approximate randomization, Noreen 1989; what sacrebleu's paired test does for BLEU).

    Args:
        base, tuned: (rows, sums) of the same rows.
    """
    differ = (np.abs(tuned - base) > TIE).any(axis=1)
    steps = (tuned - base)[differ]
    kind = "paired permutation test"
    if not len(steps):
        return 1.0, kind
    start, together = base.sum(axis=0), (base + tuned).sum(axis=0)
    columns = np.abs(steps).sum(axis=0) > 0

    def gaps(swapped: Array) -> Array:
        moved = np.broadcast_to(start, (len(swapped), len(start))).copy()
        moved[:, columns] += swapped @ steps[:, columns]
        return np.abs(figure(together - moved) - figure(moved))

    seen = float(gaps(np.zeros((1, len(steps))))[0])
    exact = len(steps) <= EXACT_ROWS
    blocks = _all_swaps(len(steps)) if exact else _swaps(len(steps), seed)
    # Sums of floats in another order may differ in their last digits: those still count as equal.
    reached = sum(int((gaps(block) >= seen * (1 - 1e-9) - 1e-12).sum()) for block in blocks)
    if exact:
        return reached / 2 ** len(steps), f"{kind}, exact"
    return (reached + 1) / (PERMUTATIONS + 1), f"{kind}, {PERMUTATIONS:,} draws"


def _all_swaps(rows: int) -> Iterator[Array]:
    numbers = np.arange(2**rows)
    yield ((numbers[:, None] >> np.arange(rows)) & 1).astype(np.float64)


def _swaps(rows: int, seed: int) -> Iterator[Array]:
    """(draws, rows) of 0 and 1 at a time, `PERMUTATIONS` in all."""
    rng = np.random.default_rng(seed)
    size = max(1, BATCH_NUMBERS // rows)
    for start in range(0, PERMUTATIONS, size):
        count = min(size, PERMUTATIONS - start)
        bits = np.frombuffer(rng.bytes(-(-count * rows // 8)), dtype=np.uint8)
        yield np.unpackbits(bits, count=count * rows).reshape(count, rows).astype(np.float64)
