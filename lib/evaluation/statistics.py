"""How sure a figure is, and whether tuned differs from base: intervals, p-values and a verdict in words.

    summary(name, scores.values, scores.weights)   -> Summary: mean and its 95 % interval
    compare(name, base, tuned)                     -> Difference: tuned - base on the same rows, with a verdict
    sentence(name, difference)                     -> that verdict for a person

Rows are the unit that is resampled, base and tuned together. The verdict is "tuned better" or "tuned worse" only when
the 95 % interval of the difference excludes 0, p is below 0.05 and there are at least 5 rows; else "no evidence".
Everything is the same again under the same seed. scipy is imported when first needed: it takes half a second.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lib.errors import BadInput
from lib.evaluation.metrics import MetricSpec, Scores, aggregate, aggregate_rows, finite, get_spec

CONFIDENCE = 0.95
ALPHA = 0.05
RESAMPLES = 2_000
PERMUTATIONS = 9_999
TIE = 1e-9
"""Values of one row that differ by no more than this are a tie."""
FEWEST_ROWS = 5
BCA_ROWS = 5_000
"""Above this many rows the interval is the plain percentile one: BCa's jackknife costs rows squared, and its
correction shrinks with 1 / rows."""
BATCH_NUMBERS = 1_500_000
"""Numbers held at once while resampling: 12 MB a column, about 100 MB in all."""

Verdict = Literal["tuned better", "no evidence", "tuned worse"]


class _Statistic(Protocol):
    """A figure of some columns, over their last axis."""

    def __call__(self, *columns: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus figure and its 95 % interval, in the metric's unit."""

    n: int
    """Rows that count: those of weight above 0."""
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
    """Rows that count: those of weight above 0."""
    difference: float
    """Corpus figure of tuned less that of base; nan for no rows."""
    low: float | None
    """Of the 95 % interval of `difference`; None for fewer than two rows."""
    high: float | None
    p: float
    """Two-sided: how often chance alone, swapping base and tuned row by row, gives as large a difference."""
    wins: int
    """Rows where tuned is better, in the metric's own direction."""
    ties: int
    losses: int
    verdict: Verdict

    @property
    def detectable(self) -> float | None:
        """The smallest true difference that this many rows would show four times out of five (5 % level).

        An estimate from the interval's width, 2 x 1.96 standard errors: (1.96 + 0.84) standard errors.
        """
        if self.low is None or self.high is None or self.high <= self.low:
            return None
        return (1.96 + 0.84) * (self.high - self.low) / (2 * 1.96)

    def to_dict(self) -> dict[str, Any]:
        figures = {key: finite(getattr(self, key)) for key in ("difference", "low", "high", "p", "detectable")}
        return {**asdict(self), **figures}


def summary(name: str, values: Sequence[float], weights: Sequence[float], seed: int = 0) -> Summary:
    """A corpus figure with its 95 % bootstrap interval (BCa, Efron 1987; 2,000 resamples of the rows).

    Where BCa has no answer the interval is the percentile one; values that are all equal give an interval of no width.

    Raises:
        NotFound: no metric of that name.
        BadInput: as many weights as values are needed, all of them numbers.
    """
    get_spec(name)
    value, weight = _counted(values, weights)
    mean = aggregate(name, value.tolist(), weight.tolist())
    if len(value) > 1 and np.ptp(value) == 0:
        return Summary(len(value), mean, mean, mean)

    def figure(*columns: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return aggregate_rows(name, columns[0], columns[1])

    return Summary(len(value), mean, *_interval((value, weight), figure, seed))


def compare(name: str, base_scores: Scores, tuned_scores: Scores, seed: int = 0) -> Difference:
    """Whether tuned differs from base on the same rows, which must be in the same order in both.

    The interval is a paired bootstrap of the difference of the two corpus figures. p comes from a permutation test that
    flips the signs of the rows' differences (all 2^n of them up to 13 rows that differ, else 9,999 at random). For
    perplexity those are differences in nats, weighted by tokens: their sum is what decides which perplexity is lower.

    Raises:
        NotFound: no metric of that name.
        BadInput: scores that do not pair up, or perplexities counted over different tokens.
    """
    spec = get_spec(name)
    base, tuned, weight = _paired(spec, base_scores, tuned_scores)
    step = tuned - base
    better, worse = int(np.sum(step > TIE)), int(np.sum(step < -TIE))
    wins, losses = (better, worse) if spec.higher_is_better else (worse, better)
    gap = aggregate(name, tuned.tolist(), weight.tolist()) - aggregate(name, base.tolist(), weight.tolist())
    if better + worse == 0:
        edge = None if len(step) < 2 else gap
        return Difference(len(step), gap, edge, edge, 1.0, 0, len(step), 0, "no evidence")

    def difference(*columns: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return aggregate_rows(name, columns[1], columns[2]) - aggregate_rows(name, columns[0], columns[2])

    low, high = _interval((base, tuned, weight), difference, seed)
    p = _sign_flip_p(step * weight, seed)
    verdict = _verdict(spec, len(step), low, high, p)
    return Difference(len(step), gap, low, high, p, wins, len(step) - wins - losses, losses, verdict)


def sentence(name: str, difference: Difference) -> str:
    """The verdict in words, such as "chrF: tuned is better by 17.5 [14.0, 21.1] (p < 0.001, 60 rows)."

    "better by" and "worse by" give sizes; without a verdict the difference keeps its sign, tuned less base.
    """
    spec = get_spec(name)
    rows = f"{difference.n:,} row" if difference.n == 1 else f"{difference.n:,} rows"
    if difference.n < FEWEST_ROWS:
        verb = "is" if difference.n == 1 else "are"
        return f"{spec.label}: no evidence: {rows} {verb} too few to tell ({FEWEST_ROWS} at least)."
    if not difference.wins + difference.losses:
        return f"{spec.label}: no evidence of a difference: base and tuned score the same on all {rows}."
    basis = f"{_p_words(difference.p)}, {rows}"
    if difference.verdict == "no evidence":
        limit = difference.detectable
        shows = f"; one of {_number(spec, limit)} would most likely show" if limit else ""
        return f"{spec.label}: no evidence of a difference: {_figures(spec, difference, signed=True)} ({basis}{shows})."
    way = "better" if difference.verdict == "tuned better" else "worse"
    return f"{spec.label}: tuned is {way} by {_figures(spec, difference, signed=False)} ({basis})."


# --- the rows that count --------------------------------------------------------------------------------------------


def _counted(*columns: Sequence[float]) -> tuple[NDArray[np.float64], ...]:
    """The columns, weights last, without the rows of weight 0: resampling those would only add noise."""
    arrays = [np.asarray(column, dtype=float) for column in columns]
    if len({array.shape for array in arrays}) > 1:
        listed = ", ".join(str(len(array)) for array in arrays)
        raise BadInput(f"Scores and weights do not pair up: {listed}.", "Give one of each a row.")
    if not all(np.isfinite(array).all() for array in arrays):
        raise BadInput("Some scores are not numbers.", "Leave out rows without a score, in base and tuned alike.")
    return tuple(array[arrays[-1] > 0] for array in arrays)


def _paired(spec: MetricSpec, base: Scores, tuned: Scores) -> tuple[NDArray[np.float64], ...]:
    """Values of base, values of tuned, and the weights they share."""
    if len(base.values) != len(tuned.values):
        raise BadInput(
            f"{spec.label}: base has {len(base.values)} rows and tuned {len(tuned.values)}.",
            "Score the same rows with both, in the same order.",
        )
    if list(base.weights) != list(tuned.weights):
        raise BadInput(
            f"{spec.label}: base and tuned count the same rows with different weights.",
            "Per token, only models with the same tokenizer can be compared: use a metric on text.",
        )
    return _counted(base.values, tuned.values, base.weights)


# --- resampling -----------------------------------------------------------------------------------------------------


def _interval(
    columns: tuple[NDArray[np.float64], ...], figure: _Statistic, seed: int
) -> tuple[float | None, float | None]:
    """The 95 % bootstrap interval of `figure`, rows resampled across all columns together; None for under two rows."""
    from scipy import stats

    rows = len(columns[0])
    if rows < 2:
        return None, None
    for method in ("BCa", "percentile") if rows <= BCA_ROWS else ("percentile",):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # scipy warns, and gives nan, where BCa is undefined; the percentile interval then follows.
            warnings.simplefilter("ignore")
            found = stats.bootstrap(
                columns,
                figure,
                n_resamples=RESAMPLES,
                batch=max(1, BATCH_NUMBERS // rows),
                vectorized=True,
                paired=True,
                confidence_level=CONFIDENCE,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        if math.isfinite(found.low) and math.isfinite(found.high):
            return float(found.low), float(found.high)
    return None, None


def _sign_flip_p(steps: NDArray[np.float64], seed: int) -> float:
    """Two-sided p of the sum of `steps`, were each as likely to have the other sign."""
    from scipy import stats

    # A zero is the same under both signs: without them p is unchanged, and exact for more inputs.
    steps = steps[steps != 0]
    if len(steps) < 2:
        return 1.0

    def total(sample: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return np.asarray(sample.sum(axis=axis))

    found = stats.permutation_test(
        (steps,),
        total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=max(1, BATCH_NUMBERS // len(steps)),
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def _verdict(spec: MetricSpec, rows: int, low: float | None, high: float | None, p: float) -> Verdict:
    """Better or worse only when interval and p agree that the difference is not 0, and rows are not too few."""
    if rows < FEWEST_ROWS or low is None or high is None or low <= 0 <= high or p >= ALPHA:
        return "no evidence"
    return "tuned better" if (low > 0) == spec.higher_is_better else "tuned worse"


# --- words ----------------------------------------------------------------------------------------------------------


def _p_words(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _number(spec: MetricSpec, value: float, signed: bool = False) -> str:
    """`value` with the metric's decimals, or with two significant digits where those would make it 0."""
    sign = "+" if signed else ""
    text = f"{value:{sign}.{spec.digits}f}"
    return f"{value:{sign}.2g}" if value and not float(text) else text


def _figures(spec: MetricSpec, difference: Difference, signed: bool) -> str:
    """Difference and interval: "+0.4 [-1.2, +2.0]" with signs, "17.5 [14.0, 21.1]" as a size."""
    turn = -1.0 if not signed and difference.difference < 0 else 1.0
    middle = _number(spec, turn * difference.difference, signed)
    if difference.low is None or difference.high is None:
        return middle
    low, high = sorted((turn * difference.low, turn * difference.high))
    return f"{middle} [{_number(spec, low, signed)}, {_number(spec, high, signed)}]"
