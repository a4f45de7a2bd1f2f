"""One metric: the figure of a model with its interval, and whether tuned differs from base on the same rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lib.errors import BadInput
from lib.evaluation.metrics import MetricSpec, Scores, aggregate_rows, resolve
from lib.evaluation.metrics.figures import corpus_figure, counted, row_sums
from lib.evaluation.statistics.proportions import paired_interval, same_p, wilson
from lib.evaluation.statistics.records import ALPHA, TIE, Difference, Summary, Verdict
from lib.evaluation.statistics.resampling import Array, bootstrap_interval, swap_p


def summary(metric: str | MetricSpec, scores: Scores, seed: int = 0) -> Summary:
    """A corpus figure with its 95 % interval: BCa bootstrap of the rows; Wilson's for passes and failures.

    Values that are all equal give an interval of no width; passes and failures do not.

    Raises:
        NotFound: no metric of that name.
        BadInput: as many weights as values are needed.
    """
    spec = resolve(metric)
    _check(spec, scores)
    there = counted(scores)
    sums = row_sums(scores)[there]
    mean = corpus_figure(spec, sums, there)
    rows = len(sums)
    if rows < 2:
        return Summary(rows, mean, None, None)
    if spec.pass_fail:
        return Summary(rows, mean, *wilson(round(mean * rows), rows))
    if np.ptp(sums, axis=0).max() == 0 or (np.ptp(np.asarray(scores.values)[there]) == 0 and scores.sums is None):
        return Summary(rows, mean, mean, mean)
    return Summary(rows, mean, *bootstrap_interval(sums, lambda totals: aggregate_rows(spec, totals), seed))


def compare(metric: str | MetricSpec, base: Scores, tuned: Scores, seed: int = 0) -> Difference:
    """Whether tuned differs from base on the rows that count in both; they must be in the same order.

    Interval and p belong to the difference of the two corpus figures. The interval is a paired bootstrap, percentiles:
    a difference is close to symmetric, and where many rows are equal BCa's correction covers less (of 60 rows with 30
    that differ 92 % against 94 %). p is a paired permutation test. For passes and failures the interval is Agresti and
    Min's, and p McNemar's exact test.

    The verdict stands on `p` alone until `adjust` has corrected it.

    Raises:
        NotFound: no metric of that name.
        BadInput: scores of different numbers of rows.
    """
    spec = resolve(metric)
    _check(spec, base)
    _check(spec, tuned)
    if len(base.values) != len(tuned.values):
        raise BadInput(
            f"{spec.label}: base has {len(base.values)} rows and tuned {len(tuned.values)}.",
            "Score the same rows with both, in the same order.",
        )
    left, right = counted(base), counted(tuned)
    both, unmatched = left & right, int((left ^ right).sum())
    if fault := _fault(spec, base, tuned, both):
        return Difference(
            int(both.sum()), math.nan, None, None, 1.0, 0, 0, 0, "no evidence", "", unmatched, None, fault
        )
    steps = (np.asarray(tuned.values) - np.asarray(base.values))[both]
    found = _difference(spec, row_sums(base)[both], row_sums(tuned)[both], steps, seed)
    return replace(judged(spec, found), unmatched=unmatched)


def judged(spec: MetricSpec, found: Difference) -> Difference:
    """The difference with its verdict: by the corrected p where there is one."""
    return replace(found, verdict=_verdict(spec, found))


def _difference(spec: MetricSpec, base: Array, tuned: Array, steps: NDArray[np.float64], seed: int) -> Difference:
    """The difference on rows that pair up: sums of both, and what each row's value moved by."""
    rows, width = len(steps), base.shape[1]
    up, down = int((steps > TIE).sum()), int((steps < -TIE).sum())
    wins, losses = (down, up) if spec.higher_is_better is False else (up, down)

    def gap(totals: Array) -> Array:
        return aggregate_rows(spec, totals[..., width:]) - aggregate_rows(spec, totals[..., :width])

    sums = np.column_stack((base, tuned))
    middle = float(gap(sums.sum(axis=0))) if rows else math.nan
    low: float | None
    high: float | None
    if spec.pass_fail:
        low, high = paired_interval(up, down, rows)
        p, test = same_p(up, down)
    elif not np.abs(tuned - base).max(initial=0.0) > TIE:
        low = high = middle if rows > 1 else None
        p, test = 1.0, "paired permutation test"
    else:
        low, high = bootstrap_interval(sums, gap, seed, corrected=False)
        p, test = swap_p(base, tuned, lambda totals: aggregate_rows(spec, totals), seed)
    return Difference(rows, middle, low, high, p, wins, rows - wins - losses, losses, "no evidence", test)


def _verdict(spec: MetricSpec, found: Difference) -> Verdict:
    """Better or worse only when interval and p agree that the difference is not 0, and rows are not too few."""
    p = found.p if found.p_holm is None else found.p_holm
    if not found.enough or found.low is None or found.high is None or found.low <= 0 <= found.high or p >= ALPHA:
        return "no evidence"
    if spec.higher_is_better is None:
        return "differs"
    return "tuned better" if (found.low > 0) == spec.higher_is_better else "tuned worse"


def _check(spec: MetricSpec, scores: Scores) -> None:
    lengths = {len(scores.values), len(scores.weights), len(scores.values if scores.sums is None else scores.sums)}
    if len(lengths) > 1:
        listed = f"{len(scores.values)} values, {len(scores.weights)} weights"
        raise BadInput(f"{spec.label}: scores do not pair up: {listed}.", "Give one of each a row.")


def _fault(spec: MetricSpec, base: Scores, tuned: Scores, both: NDArray[np.bool_]) -> str:
    """Why the two cannot be compared; empty when they can."""
    if not both.any():
        return "no row counts in both"
    same = np.asarray(base.weights)[both] == np.asarray(tuned.weights)[both]
    if spec.needs == "loss" and not same.all():
        return (
            "the two split the references into different tokens; bits per byte can be compared"
            if spec.name == "perplexity"
            else f"the references differ in {int((~same).sum()):,} of {int(both.sum()):,} rows"
        )
    return ""
