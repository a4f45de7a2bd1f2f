"""Intervals and verdicts: planted differences are found, chance is not, and nothing depends on the clock."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from random import Random

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import stats

from lib.errors import BadInput, NotFound
from lib.evaluation.metrics import METRICS, Scores, aggregate, score
from lib.evaluation.statistics import Difference, compare, sentence, summary
from lib.evaluation.statistics.resampling import bootstrap_interval

NAMES = ("rougeL", "token_f1", "exact_match", "perplexity")


def scores(
    values: Sequence[float] | np.ndarray, weights: Sequence[float] | None = None, name: str = "rougeL"
) -> Scores:
    listed = [float(value) for value in values]
    weight = [1.0] * len(listed) if weights is None else [float(count) for count in weights]
    return Scores(listed, weight, aggregate(name, Scores(listed, weight, 0.0)))


def planted(rows: int = 60, shift: float = 0.0, seed: int = 1) -> tuple[Scores, Scores]:
    """Base and tuned; `shift` is the true difference."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(20, 60, rows)
    return scores(base), scores(base + shift + rng.normal(0, 5, rows))


# --- summary --------------------------------------------------------------------------------------------------------


def test_summary_is_the_expanded_bca() -> None:
    values = np.random.default_rng(3).beta(2, 5, 80)
    found = summary("rougeL", scores(values))
    wider = 2 * (1 - stats.norm.cdf(stats.t.ppf(0.975, 79) * math.sqrt(80 / 79)))
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, confidence_level=1 - wider, rng=np.random.default_rng(9)
    ).confidence_interval
    assert (found.n, found.mean) == (80, pytest.approx(values.mean()))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.003)


def test_summary_of_perplexity_is_on_its_own_scale() -> None:
    rng = np.random.default_rng(4)
    values, weights = rng.uniform(1, 3, 50), rng.integers(5, 50, 50)
    found = summary("perplexity", scores(values, weights, "perplexity"))
    assert found.mean == pytest.approx(math.exp((values * weights).sum() / weights.sum()))
    assert found.low is not None and found.high is not None
    assert 1 < found.low < found.mean < found.high < math.exp(3)


def test_summary_of_degenerate_values() -> None:
    assert summary("rougeL", scores([7.0] * 9)).to_dict() == {"n": 9, "mean": 7.0, "low": 7.0, "high": 7.0}
    assert summary("rougeL", scores([7.0])).to_dict() == {"n": 1, "mean": 7.0, "low": None, "high": None}
    assert summary("rougeL", scores([])).to_dict() == {"n": 0, "mean": None, "low": None, "high": None}


def test_passes_have_wilsons_interval_also_when_all_pass() -> None:
    found = summary("exact_match", scores([1.0] * 20))
    assert (found.mean, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(1 - 0.1611, abs=1e-4)


def test_rows_that_do_not_count_change_nothing() -> None:
    whole = scores([1.0, 2.0, 0.0, 3.0], [2.0, 2.0, 0.0, 2.0], "perplexity")
    assert summary("perplexity", whole) == summary("perplexity", scores([1, 2, 3], [2, 2, 2], "perplexity"))
    holes = Scores([0.5, math.nan, 0.25], [1.0, 0.0, 1.0], 0.375, None, {1: "failed"})
    assert summary("rougeL", holes).n == 2
    found = compare("rougeL", holes, scores([0.5, 0.5, 0.5]))
    assert (found.n, found.unmatched, found.wins, found.ties) == (2, 1, 1, 1)


def test_summary_refuses_what_does_not_pair_up() -> None:
    with pytest.raises(BadInput):
        summary("rougeL", Scores([1.0, 2.0], [1.0], 0.0))
    with pytest.raises(NotFound):
        summary("bleurt", scores([1.0]))


# --- compare --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [1, 3, 60])
def test_identical_models_give_no_evidence(name: str, rows: int) -> None:
    values = np.random.default_rng(6).integers(0, 2, rows)
    found = compare(name, scores(values, name=name), scores(values, name=name))
    assert (found.difference, found.p, found.verdict) == (0.0, 1.0, "no evidence")
    assert (found.wins, found.ties, found.losses) == (0, rows, 0)
    if name == "exact_match" and rows > 1:  # none of few passed by one alone: more might have
        assert found.low is not None and found.high is not None and found.low < 0 < found.high
    else:
        assert (found.low, found.high) == ((None, None) if rows == 1 else (0.0, 0.0))


def test_planted_difference_is_found() -> None:
    base, tuned = planted(shift=15.0)
    found = compare("rougeL", base, tuned)
    assert found.verdict == "tuned better"
    assert found.difference == pytest.approx(tuned.mean - base.mean)
    assert found.low is not None and found.high is not None
    assert 12 < found.low < found.difference < found.high < 18
    assert found.p == pytest.approx(1 / 10_000)
    assert found.test == "paired permutation test, 9,999 draws"
    assert found.wins + found.ties + found.losses == found.n == 60
    assert found.wins > 55
    back = compare("rougeL", tuned, base)
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
    assert compare("rougeL", base, tuned).p == pytest.approx(2 / 2**6)
    reference = stats.wilcoxon([1.0, 2.0, 3.0, 4.0, 5.0, -6.0], method="exact")
    assert compare("rougeL", base, scores([1.0, 2.0, 3.0, 4.0, 5.0, -6.0])).p == pytest.approx(reference.pvalue)


@pytest.mark.parametrize("rows", [0, 1, 2, 4])
def test_too_few_rows_never_give_a_verdict(rows: int) -> None:
    found = compare("rougeL", scores([1.0] * rows), scores([50.0 + row for row in range(rows)]))
    assert found.verdict == "no evidence"
    json.dumps(found.to_dict(), allow_nan=False)
    assert sentence("rougeL", found).startswith("ROUGE-L: no evidence" if rows else "ROUGE-L: not compared")


def test_one_row_that_differs_is_no_evidence() -> None:
    found = compare("exact_match", scores([0.0] * 20), scores([0.0] * 19 + [1.0]))
    assert (found.wins, found.ties, found.p, found.verdict) == (1, 19, 1.0, "no evidence")


def test_the_same_gain_on_every_row() -> None:
    found = compare("rougeL", scores([10.0, 20.0] * 10), scores([12.0, 22.0] * 10))
    assert (found.low, found.high) == (pytest.approx(2.0), pytest.approx(2.0))
    assert found.verdict == "tuned better"


def test_differences_below_the_tie_are_none() -> None:
    found = compare("rougeL", scores([1.0] * 8), scores([1.0 + 1e-11] * 8))
    assert (found.ties, found.p, found.verdict) == (8, 1.0, "no evidence")


def test_compare_refuses_what_does_not_pair_up() -> None:
    with pytest.raises(BadInput):
        compare("rougeL", scores([1.0]), scores([1.0, 2.0]))
    with pytest.raises(NotFound):
        compare("bleurt", scores([1.0]), scores([1.0]))


def test_perplexities_over_other_tokens_are_not_compared() -> None:
    left, right = (scores([1.0] * 9, [5] * 8 + [last], "perplexity") for last in (5, 6))
    found = compare("perplexity", left, right)
    assert (found.verdict, found.test, found.low) == ("no evidence", "", None)
    assert "different tokens" in sentence("perplexity", found)
    json.dumps(found.to_dict(), allow_nan=False)
    assert "no row counts in both" in sentence("rougeL", compare("rougeL", scores([1.0], [0.0]), scores([1.0])))


def test_an_interval_of_many_rows_is_normal() -> None:
    base, tuned = planted(rows=400, shift=2.0)
    found = compare("rougeL", base, tuned)
    assert found.low is not None and found.high is not None
    error = np.std(np.subtract(tuned.values, base.values)) / math.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_metric_without_a_direction_only_differs() -> None:
    base = score("length_ratio", ["a" * 10] * 9, ["b" * size for size in range(8, 17)])
    tuned = score("length_ratio", ["a" * 15] * 9, ["b" * size for size in range(8, 17)])
    found = compare("length_ratio", base, tuned)
    assert (found.verdict, found.wins, found.losses) == ("differs", 9, 0)
    assert "tuned is higher by" in sentence("length_ratio", found)
    assert "neither is better" in sentence("length_ratio", found)


def test_the_exact_figure_of_a_corpus_is_compared() -> None:
    rng = np.random.default_rng(8)
    references = [" ".join(rng.choice(list("abcdefgh"), 12)) for _ in range(40)]

    def answers(kept: float) -> list[str]:
        return [" ".join(w if rng.random() < kept else "x" for w in text.split()) for text in references]

    for name in ("bleu", "chrf", "ter"):
        base, tuned = (score(name, answers(kept), references) for kept in (0.7, 0.9))
        found = compare(name, base, tuned)
        assert found.difference == pytest.approx(tuned.mean - base.mean)
        assert found.low is not None and found.high is not None
        assert found.low < found.difference < found.high
        assert found.verdict == "tuned better"
        assert compare(name, base, base).verdict == "no evidence"


def test_more_draws_than_are_kept_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = np.column_stack((np.random.default_rng(1).random(50), np.ones(50)))

    def mean(totals: np.ndarray) -> np.ndarray:
        return np.asarray(totals[..., 0] / totals[..., 1])

    kept = bootstrap_interval(sums, mean, 3)
    monkeypatch.setattr("lib.evaluation.statistics.resampling.KEPT_NUMBERS", 0)
    assert bootstrap_interval(sums, mean, 3) == kept


def test_same_seed_same_figures() -> None:
    base, tuned = planted(shift=1.0)
    assert compare("rougeL", base, tuned, seed=5) == compare("rougeL", base, tuned, seed=5)
    assert compare("rougeL", base, tuned, seed=5) != compare("rougeL", base, tuned, seed=6)
    assert summary("rougeL", base, seed=5) == summary("rougeL", base, seed=5)


def test_detectable_difference_shrinks_with_rows() -> None:
    few, many = (compare("rougeL", *planted(rows=rows)).detectable for rows in (20, 320))
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
        (
            "chrf",
            Difference(60, 17.52, 14.0, 21.08, 0.0002, 58, 0, 2, "tuned better", p_holm=0.0012),
            "chrF: tuned is better by 17.5 [14.0, 21.1] (p = 0.001 after correction, 60 rows).",
        ),
    ],
)
def test_sentences(name: str, difference: Difference, expected: str) -> None:
    assert sentence(name, difference) == expected


def test_difference_as_plain_data() -> None:
    found = compare("rougeL", *planted(shift=15.0)).to_dict()
    assert {"n", "difference", "low", "high", "p", "wins", "ties", "losses", "verdict"} <= set(found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {type(found[key]) for key in ("difference", "low", "high", "p")} == {float}


# --- whatever the values --------------------------------------------------------------------------------------------

VALUES = st.lists(st.tuples(*[st.integers(0, 4).map(lambda step: step / 4)] * 2), min_size=1, max_size=12)


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.given(VALUES, st.sampled_from(NAMES))
def test_swapping_base_and_tuned_flips_the_signs(rows: list[tuple[float, float]], name: str) -> None:
    values = [tuple(round(cell) for cell in row) for row in rows] if METRICS[name].pass_fail else rows
    left, right = (scores([row[side] for row in values], name=name) for side in (0, 1))
    one, other = compare(name, left, right), compare(name, right, left)
    assert one.difference == pytest.approx(-other.difference)
    assert one.p == pytest.approx(other.p)
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)
    assert one.wins + one.ties + one.losses == one.n == len(rows)
    assert {one.verdict, other.verdict} in ({"no evidence"}, {"tuned better", "tuned worse"})
    if one.low is not None and one.high is not None and other.low is not None and other.high is not None:
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
        assert one.low - 1e-9 <= one.difference <= one.high + 1e-9


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(VALUES, st.randoms(use_true_random=False), st.sampled_from(NAMES))
def test_the_order_of_rows_changes_nothing(rows: list[tuple[float, float]], chance: Random, name: str) -> None:
    values = [tuple(round(cell) for cell in row) for row in rows] if METRICS[name].pass_fail else rows
    found = []
    for _ in range(2):
        found.append(compare(name, *(scores([row[side] for row in values], name=name) for side in (0, 1))))
        values = chance.sample(values, len(values))
    one, other = found
    assert (one.difference, one.p) == pytest.approx((other.difference, other.p))  # exact: few rows
    assert (one.wins, one.ties, one.losses, one.n) == (other.wins, other.ties, other.losses, other.n)
    if one.low is not None and one.high is not None and other.low is not None and other.high is not None:
        assert abs(one.low - other.low) <= 0.25 * (one.high - one.low) + 1e-9
