"""From sums to figures: of one row, of a corpus, of thousands of resamples at once.

Each metric's corpus figure is a function of numbers that add up over rows (Scores.sums). So a resample of the rows is
one product of matrices, and interval and p-value are those of the very figure that is shown. The formulas of BLEU,
chrF and TER are sacrebleu's with its defaults, over the last axis of an array.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.evaluation.metrics.spec import MetricSpec, Scores

Array = NDArray[np.float64]
Figure = Callable[[Array], Array]


def ratio(sums: Array) -> Array:
    """First of two sums by the second; nan where that is 0."""
    top, bottom = sums[..., 0], sums[..., 1]
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def perplexity(sums: Array) -> Array:
    """exp(nats / tokens)."""
    return np.exp(ratio(sums))


def bleu(sums: Array, effective: bool = False) -> Array:
    """BLEU of up to 4 words, 0 to 100 (Papineni 2002), orders without a match smoothed by halving ("exp").

    Args:
        sums: (..., 10): words of answer and reference, then matches and pieces of 1, 2, 3 and 4 words.
        effective: leave out orders that are longer than the answer, for single rows; else they make it 0.
    """
    answer, reference, matches, pieces = sums[..., 0], sums[..., 1], sums[..., 2:6], sums[..., 6:10]
    there = pieces > 0
    missed = there & (matches == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        counted = np.where(missed, 0.5 ** np.cumsum(missed, axis=-1), matches)
        logs = np.where(there, np.log(100.0 * counted / pieces), 0.0 if effective else -np.inf)
        orders = np.maximum(there.sum(axis=-1), 1) if effective else 4
        brevity = np.where(answer < reference, np.exp(1.0 - reference / answer), 1.0)
    score = brevity * np.exp(logs.sum(axis=-1) / orders)
    return np.asarray(np.where(matches.any(axis=-1), score, 0.0))


def sentence_bleu(sums: Array) -> Array:
    """BLEU of single rows."""
    return bleu(sums, effective=True)


def chrf(sums: Array) -> Array:
    """chrF2 of pieces of 1 to 6 characters, 0 to 100 (Popović 2015).

    Args:
        sums: (..., 18): for each length the pieces of the answer, of the reference, and those in both.
    """
    orders = sums.reshape(*sums.shape[:-1], 6, 3)
    answer, reference, matches = orders[..., 0], orders[..., 1], orders[..., 2]
    there = (answer > 0) & (reference > 0)
    count = np.maximum(there.sum(axis=-1), 1)
    none = np.zeros(there.shape)
    precision = np.divide(matches, answer, out=none.copy(), where=there).sum(axis=-1) / count
    recall = np.divide(matches, reference, out=none, where=there).sum(axis=-1) / count
    below = 4 * precision + recall
    return 100 * np.divide(5 * precision * recall, below, out=np.zeros(below.shape), where=below > 0)


def ter(sums: Array) -> Array:
    """Translation edit rate: 100 x edits / words of the reference (Snover 2006). 100 for words where none belong."""
    edits, words = sums[..., 0], sums[..., 1]
    return 100 * np.divide(edits, words, out=np.asarray(edits > 0, dtype=float), where=words > 0)


CORPUS: dict[str, Figure] = {"bleu": bleu, "chrf": chrf, "ter": ter, "perplexity": perplexity}
"""Figures of a corpus; those of all other metrics are `ratio`, the mean."""
ROWS: dict[str, Figure] = {"bleu": sentence_bleu, "chrf": chrf, "ter": ter}
"""Values of single rows; of all others `ratio`."""


def aggregate_rows(spec: MetricSpec, totals: ArrayLike) -> Array:
    """Corpus figures of added-up sums, over the last axis; nan where nothing counts."""
    return CORPUS.get(spec.name, ratio)(np.asarray(totals, dtype=float))


def counted(scores: Scores) -> NDArray[np.bool_]:
    """Which rows count."""
    return (np.asarray(scores.weights, dtype=float) > 0) & np.isfinite(np.asarray(scores.values, dtype=float))


def row_sums(scores: Scores) -> Array:
    """(rows, sums): what each row adds; zeros for rows that do not count."""
    there = counted(scores)
    if scores.sums is not None:
        return np.where(there[:, None], np.asarray(scores.sums, dtype=float).reshape(len(there), -1), 0.0)
    weights = np.asarray(scores.weights, dtype=float)
    values = np.where(there, np.asarray(scores.values, dtype=float), 0.0)
    return np.where(there[:, None], np.column_stack((values * weights, weights)), 0.0)


def corpus_figure(spec: MetricSpec, sums: Array, there: NDArray[np.bool_]) -> float:
    """The figure of the rows that count; nan for none."""
    return float(aggregate_rows(spec, sums.sum(axis=0))) if there.any() else math.nan
