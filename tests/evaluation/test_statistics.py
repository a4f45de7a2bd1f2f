"""Intervals and verdicts: planted differences are found, chance is not, and nothing depends on the clock."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from lib.errors import BadInput, NotFound
from lib.evaluation import statistics
from lib.evaluation.metrics import Scores, aggregate
from lib.evaluation.statistics import Difference, compare, sentence, summary

TRIALS = 200


def scores(values: Sequence[float] | np.ndarray, weights: Sequence[float] | None = None, name: str = "chrf") -> Scores:
    listed = [float(value) for value in values]
    weight = [1.0] * len(listed) if weights is None else [float(count) for count in weights]
    return Scores(listed, weight, aggregate(name, listed, weight))


def planted(rows: int = 60, shift: float = 0.0, seed: int = 1) -> tuple[Scores, Scores]:
    """chrF-like base and tuned; `shift` is the true difference."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(20, 60, rows)
    return scores(base), scores(base + shift + rng.normal(0, 5, rows))


# --- summary --------------------------------------------------------------------------------------------------------


def test_summary_is_scipys_bca() -> None:
    values = np.random.default_rng(3).beta(2, 5, 80)
    found = summary("rougeL", values.tolist(), [1.0] * 80)
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(9))
    assert found.n == 80
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(expected.confidence_interval.low, abs=0.006)
    assert found.high == pytest.approx(expected.confidence_interval.high, abs=0.006)


def test_summary_of_perplexity_is_on_its_own_scale() -> None:
    rng = np.random.default_rng(4)
    values, weights = rng.uniform(1, 3, 50), rng.integers(5, 50, 50)
    found = summary("perplexity", values.tolist(), weights.tolist())
    assert found.mean == pytest.approx(math.exp((values * weights).sum() / weights.sum()))
    assert found.low is not None and found.high is not None
    assert 1 < found.low < found.mean < found.high < math.exp(3)


def test_summary_of_degenerate_values() -> None:
    assert summary("chrf", [7.0] * 9, [1.0] * 9).to_dict() == {"n": 9, "mean": 7.0, "low": 7.0, "high": 7.0}
    assert summary("chrf", [7.0], [1.0]).to_dict() == {"n": 1, "mean": 7.0, "low": None, "high": None}
    assert summary("chrf", [], []).to_dict() == {"n": 0, "mean": None, "low": None, "high": None}
    two = summary("exact_match", [0.0, 1.0], [1.0, 1.0])
    assert (two.low, two.high) == (0.0, 1.0)


def test_rows_without_weight_do_not_count() -> None:
    with_empty = summary("perplexity", [1.0, 2.0, 0.0, 3.0], [2.0, 2.0, 0.0, 2.0])
    assert with_empty == summary("perplexity", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    assert with_empty.n == 3


def test_summary_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    truth, hits = 2 / 7, 0
    for trial in range(TRIALS):
        found = summary("rougeL", rng.beta(2, 5, 40).tolist(), [1.0] * 40, seed=trial)
        assert found.low is not None and found.high is not None
        hits += found.low <= truth <= found.high
    assert 0.89 <= hits / TRIALS <= 0.99


def test_summary_refuses_what_does_not_pair_up() -> None:
    with pytest.raises(BadInput):
        summary("chrf", [1.0, 2.0], [1.0])
    with pytest.raises(BadInput):
        summary("chrf", [1.0, math.nan], [1.0, 1.0])
    with pytest.raises(NotFound):
        summary("bleurt", [1.0], [1.0])


# --- compare --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rougeL", "chrf", "exact_match", "perplexity"])
@pytest.mark.parametrize("rows", [1, 3, 60])
def test_identical_models_give_no_evidence(name: str, rows: int) -> None:
    values = np.random.default_rng(6).integers(0, 2, rows)
    found = compare(name, scores(values, name=name), scores(values, name=name))
    assert (found.difference, found.p, found.verdict) == (0.0, 1.0, "no evidence")
    assert (found.wins, found.ties, found.losses) == (0, rows, 0)
    assert (found.low, found.high) == ((None, None) if rows == 1 else (0.0, 0.0))


def test_planted_difference_is_found() -> None:
    base, tuned = planted(shift=15.0)
    found = compare("chrf", base, tuned)
    assert found.verdict == "tuned better"
    assert found.difference == pytest.approx(tuned.mean - base.mean)
    assert found.low is not None and found.high is not None
    assert 12 < found.low < found.difference < found.high < 18
    assert found.p == pytest.approx(2 / 10_000)
    assert found.wins + found.ties + found.losses == found.n == 60
    assert found.wins > 55
    back = compare("chrf", tuned, base)
    assert back.verdict == "tuned worse"
    assert (back.wins, back.losses) == (found.losses, found.wins)


def test_lower_perplexity_is_better() -> None:
    rng = np.random.default_rng(7)
    weights = rng.integers(5, 50, 60).tolist()
    high = rng.uniform(2, 3, 60)
    base = scores(high, weights, "perplexity")
    tuned = scores(high - rng.uniform(0.1, 0.9, 60), weights, "perplexity")
    found = compare("perplexity", base, tuned)
    assert found.verdict == "tuned better"
    assert found.difference == pytest.approx(tuned.mean - base.mean)
    assert found.low is not None and found.high is not None
    assert found.low < found.difference < found.high < 0
    assert (found.wins, found.losses) == (60, 0)
    assert compare("perplexity", tuned, base).verdict == "tuned worse"


def test_perplexity_weighs_rows_by_their_tokens() -> None:
    # One long row decides: better on 9 short ones, far worse on the one that holds nearly all tokens.
    weights = [1.0] * 9 + [1_000.0]
    base = scores([2.0] * 10, weights, "perplexity")
    tuned = scores([1.9] * 9 + [4.0], weights, "perplexity")
    found = compare("perplexity", base, tuned)
    assert (found.wins, found.losses) == (9, 1)
    assert found.difference > 0
    assert found.verdict == "no evidence"


def test_p_is_exact_for_few_rows() -> None:
    base = scores([0.0] * 6)
    tuned = scores([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert compare("chrf", base, tuned).p == pytest.approx(2 / 2**6)
    reference = stats.wilcoxon([1.0, 2.0, 3.0, 4.0, 5.0, -6.0], method="exact")
    assert compare("chrf", base, scores([1.0, 2.0, 3.0, 4.0, 5.0, -6.0])).p == pytest.approx(reference.pvalue)


@pytest.mark.parametrize("rows", [0, 1, 2, 4])
def test_too_few_rows_never_give_a_verdict(rows: int) -> None:
    found = compare("chrf", scores([1.0] * rows), scores([50.0 + row for row in range(rows)]))
    assert found.verdict == "no evidence"
    json.dumps(found.to_dict(), allow_nan=False)
    assert sentence("chrf", found).startswith("chrF: no evidence")


def test_one_row_that_differs_is_no_evidence() -> None:
    found = compare("exact_match", scores([0.0] * 20), scores([0.0] * 19 + [1.0]))
    assert (found.wins, found.ties, found.p, found.verdict) == (1, 19, 1.0, "no evidence")


def test_the_same_gain_on_every_row() -> None:
    found = compare("chrf", scores([10.0, 20.0] * 10), scores([12.0, 22.0] * 10))
    assert (found.low, found.high) == (pytest.approx(2.0), pytest.approx(2.0))
    assert found.verdict == "tuned better"


def test_differences_below_the_tie_are_none() -> None:
    found = compare("chrf", scores([1.0] * 8), scores([1.0 + 1e-11] * 8))
    assert (found.ties, found.p, found.verdict) == (8, 1.0, "no evidence")


def test_chance_is_rarely_called_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "PERMUTATIONS", 999)
    false = sum(
        compare("chrf", *planted(rows=20, seed=trial), seed=trial).verdict != "no evidence" for trial in range(TRIALS)
    )
    assert false / TRIALS <= 0.09


def test_compare_refuses_what_does_not_pair_up() -> None:
    with pytest.raises(BadInput):
        compare("chrf", scores([1.0]), scores([1.0, 2.0]))
    with pytest.raises(BadInput, match="tokenizer"):
        compare("perplexity", scores([1.0, 1.0], [5, 5], "perplexity"), scores([1.0, 1.0], [5, 6], "perplexity"))
    with pytest.raises(NotFound):
        compare("bleurt", scores([1.0]), scores([1.0]))


def test_many_rows_take_the_percentile_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    base, tuned = planted(rows=400, shift=2.0)
    bca = compare("chrf", base, tuned)
    monkeypatch.setattr(statistics, "BCA_ROWS", 399)
    found = compare("chrf", base, tuned)
    assert found.low is not None and found.high is not None
    assert (found.low, found.high) != (bca.low, bca.high)
    error = np.std(np.subtract(tuned.values, base.values)) / math.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.verdict == bca.verdict == "tuned better"


def test_same_seed_same_figures() -> None:
    base, tuned = planted(shift=1.0)
    assert compare("chrf", base, tuned, seed=5) == compare("chrf", base, tuned, seed=5)
    assert compare("chrf", base, tuned, seed=5) != compare("chrf", base, tuned, seed=6)
    assert summary("chrf", base.values, base.weights, seed=5) == summary("chrf", base.values, base.weights, seed=5)


def test_detectable_difference_shrinks_with_rows() -> None:
    few, many = (compare("chrf", *planted(rows=rows)).detectable for rows in (20, 320))
    assert few is not None and many is not None
    assert 2 < few / many < 8


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "difference", "expected"),
    [
        (
            "chrf",
            Difference(60, 17.52, 14.0, 21.08, 0.0002, 58, 0, 2, "tuned better"),
            "chrF: tuned is better by 17.5 [14.0, 21.1] (p < 0.001, 60 rows).",
        ),
        (
            "chrf",
            Difference(1200, -3.0, -4.25, -1.75, 0.012, 400, 0, 800, "tuned worse"),
            "chrF: tuned is worse by 3.0 [1.8, 4.2] (p = 0.012, 1,200 rows).",
        ),
        (
            "perplexity",
            Difference(60, -2.0, -3.0, -1.0, 0.0002, 60, 0, 0, "tuned better"),
            "Perplexity of the reference: tuned is better by 2.00 [1.00, 3.00] (p < 0.001, 60 rows).",
        ),
        (
            "rougeL",
            Difference(60, 0.01, -0.02, 0.04, 0.61, 30, 0, 30, "no evidence"),
            "ROUGE-L: no evidence of a difference: +0.010 [-0.020, +0.040] "
            "(p = 0.610, 60 rows; one of 0.043 would most likely show).",
        ),
        (
            "exact_match",
            Difference(60, 0.0, 0.0, 0.0, 1.0, 0, 60, 0, "no evidence"),
            "Exact match: no evidence of a difference: base and tuned score the same on all 60 rows.",
        ),
        (
            "chrf",
            Difference(1, 5.0, None, None, 1.0, 1, 0, 0, "no evidence"),
            "chrF: no evidence: 1 row is too few to tell (5 at least).",
        ),
        (
            "perplexity",
            Difference(90, -0.0031, -0.004, -0.0022, 0.0002, 90, 0, 0, "tuned better"),
            "Perplexity of the reference: tuned is better by 0.0031 [0.0022, 0.004] (p < 0.001, 90 rows).",
        ),
    ],
)
def test_sentences(name: str, difference: Difference, expected: str) -> None:
    assert sentence(name, difference) == expected


def test_difference_as_plain_data() -> None:
    found = compare("chrf", *planted(shift=15.0)).to_dict()
    assert {"n", "difference", "low", "high", "p", "wins", "ties", "losses", "verdict"} <= set(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {type(found[key]) for key in ("difference", "low", "high", "p")} == {float}
