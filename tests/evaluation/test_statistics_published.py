"""Against published figures, and against other libraries' ways to the same."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest
from scipy import stats

from lib.evaluation.metrics import METRICS, aggregate_rows, score
from lib.evaluation.metrics.figures import ratio, row_sums
from lib.evaluation.statistics import agreement, holm, majority, noise, ranking, resampling, win_rate
from lib.evaluation.statistics.proportions import exact_interval, half_p, paired_interval, same_p, wilson
from lib.evaluation.statistics.resampling import bootstrap_interval, swap_p

LSAT = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
GPA = [3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96]
"""15 law schools, Efron 1987: the correlation is 0.776, its central 90 % BCa interval [0.43, 0.92]."""


def correlation(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    n, x, y, xx, yy, xy = np.moveaxis(totals, -1, 0)
    with np.errstate(all="ignore"):
        return np.asarray((n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y)))


def test_bca_of_efrons_law_schools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "RESAMPLES", 20_000)
    x, y = np.array(LSAT, dtype=float), np.array(GPA)
    sums = np.column_stack((np.ones(15), x, y, x * x, y * y, x * y))
    assert correlation(sums.sum(axis=0)) == pytest.approx(0.776, abs=5e-4)
    found = bootstrap_interval(sums, correlation, seed=15, z=stats.norm.ppf(0.95))
    assert found == pytest.approx((0.43, 0.92), abs=0.02)


def test_bca_is_scipys() -> None:
    values = np.random.default_rng(3).exponential(size=40)
    sums = np.column_stack((values, np.ones(40)))
    found = bootstrap_interval(sums, ratio, seed=1, z=stats.norm.ppf(0.975))
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=2).confidence_interval
    width = expected.high - expected.low
    assert found == pytest.approx((expected.low, expected.high), abs=0.06 * width)


def test_mcnemar_on_approval_ratings() -> None:
    # Agresti, Categorical Data Analysis, 10.1: of 1,600 people 150 turned from approval, 86 towards it;
    # z^2 = 17.36, difference -0.04 with 95 % interval (-0.06, -0.02).
    p, test = same_p(86, 150)
    assert p == pytest.approx(stats.binomtest(86, 236).pvalue)
    assert p == pytest.approx(stats.chi2.sf(17.36, 1), rel=0.25)
    assert "McNemar" in test
    assert paired_interval(86, 150, 1600) == pytest.approx((-0.06, -0.02), abs=0.002)
    assert same_p(0, 0)[0] == 1.0


@pytest.mark.parametrize(
    ("passed", "rows", "expected"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilson_is_newcombes_table(passed: int, rows: int, expected: tuple[float, float]) -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", method 3.
    assert wilson(passed, rows) == pytest.approx(expected, abs=1e-4)


def test_holm_of_a_textbook() -> None:
    # Smallest p times 4, next times 3, and so on, never falling again.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_holm_of_fifteen_outcomes_of_a_trial() -> None:
    """The p-values of Benjamini and Hochberg (1995), page 295, as R's p.adjust corrects them."""
    smallest = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    others = [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    expected = [0.0015, 0.0056, 0.0247, 0.1140, 0.2211, 0.2780, 0.2780, 0.2780, 0.3213, *[1.0] * 6]
    assert holm([*smallest, *others]) == pytest.approx(expected)
    assert holm([*others, *smallest][::-1]) == pytest.approx([*expected[9:], *expected[:9]][::-1])


def test_krippendorffs_own_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's alpha-reliability", C: four observers, 12 units, nominal 0.743.
    observers = ("1233214 12   ", "12332241 25 3", " 3332342251  ", "1233244 1251 ")
    table = [
        [1, 1, None, 1],
        [2, 2, 3, 2],
        [3, 3, 3, 3],
        [3, 3, 3, 3],
        [2, 2, 2, 2],
        [1, 2, 3, 4],
        [4, 4, 4, 4],
        [1, 1, 2, 1],
        [2, 2, 2, 2],
        [None, 5, 5, 5],
        [None, None, 1, 1],
        [None, 3, None, None],
    ]
    found = agreement([[None if cell is None else str(cell) for cell in row] for row in table])
    assert observers
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert (found.units, found.raters) == (11, 4)
    assert found.low is not None and found.high is not None
    assert 0.4 < found.low < 0.743 < found.high < 0.95
    assert found.percent == pytest.approx(43 / 55)
    assert found == agreement([[None if cell is None else str(cell) for cell in row] for row in table])


def test_the_permutation_test_is_scipys() -> None:
    rng = np.random.default_rng(1)
    base = rng.random(30)
    for tuned in (base + rng.normal(0.1, 0.3, 30), base + np.r_[rng.normal(0.3, 0.3, 12), np.zeros(18)]):
        sums = [np.column_stack((values, np.ones(30))) for values in (base, tuned)]
        p, _ = swap_p(*sums, ratio, 0)
        steps = (tuned - base)[tuned != base]
        expected = stats.permutation_test(
            (steps,),
            lambda s, axis: s.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=49_999,
            rng=0,
        ).pvalue
        assert p == pytest.approx(expected, abs=0.012 if len(steps) > 13 else 1e-9)


def test_corpus_figures_are_tested_as_sacrebleu_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "SACREBLEU_SEED", "7")
    rng = np.random.default_rng(5)
    references = [" ".join(rng.choice(list("abcdefghij"), 12)) for _ in range(60)]
    base, tuned = (
        [" ".join(w if rng.random() < kept else "x" for w in text.split()) for text in references]
        for kept in (0.70, 0.74)
    )
    metrics = {"bleu": BLEU(), "chrf": CHRF(), "ter": TER()}
    _, found = PairedTest([("base", base), ("tuned", tuned)], metrics, [references], test_type="ar", n_samples=4_000)()
    for name, theirs in zip(metrics, list(found.values())[1:], strict=True):
        ours = [row_sums(score(name, answers, references)) for answers in (base, tuned)]
        figures = [float(aggregate_rows(METRICS[name], sums.sum(axis=0))) for sums in ours]
        assert figures == pytest.approx([result.score for result in theirs])
        p, test = swap_p(*ours, lambda totals, name=name: aggregate_rows(METRICS[name], totals), 0)
        assert 0.005 < p < 0.9
        assert p == pytest.approx(theirs[1].p_value, abs=0.03)
        assert "9,999 draws" in test


def test_win_rate_counts_ties_and_both_bad_apart() -> None:
    found = win_rate(15, 5, ties=7, both_bad=3)
    assert (found.votes, found.rate) == (30, 0.75)
    assert (found.low, found.high) == pytest.approx(wilson(15, 20))
    assert found.p == pytest.approx(half_p(15, 5)) == pytest.approx(0.0414, abs=1e-4)  # table of the sign test
    assert found.verdict == "tuned better"
    assert found.sentence == (
        "Tuned is better: it wins 75% [53%, 89%] (p = 0.041, 20 votes that decide; 7 ties, 3 both bad)."
    )
    assert win_rate(5, 15).verdict == "tuned worse"
    assert win_rate(10, 9).sentence.startswith("No evidence that people prefer one: tuned wins 53%")
    assert win_rate(0, 0, 3).to_dict()["rate"] is None
    assert "too few" in win_rate(4, 0).sentence


@pytest.mark.parametrize("decided", [1, 4, 5, 6, 12, 21, 40, 200])
def test_the_exact_interval_leaves_out_one_half_where_the_test_rejects_it(decided: int) -> None:
    for wins in range(decided + 1):
        low, high = exact_interval(wins, decided)
        lowest = stats.beta.ppf(0.025, wins, decided - wins + 1) if wins else 0
        highest = stats.beta.isf(0.025, wins + 1, decided - wins) if wins < decided else 1
        assert (low, high) == pytest.approx((lowest, highest))
        assert (low <= 0.5 <= high) == (half_p(wins, decided - wins) >= 0.05)


def test_one_value_a_prompt_of_several_votes() -> None:
    assert majority(["left", "left", "right", None]) == "left"
    assert majority(["left", "right"]) == majority(["tie", "left"]) == "split"
    assert majority(["tie", "tie", "left"]) == "tie"
    assert majority([None, None]) is None


def test_agreement_that_cannot_be_told() -> None:
    assert agreement([]).percent is None
    assert agreement([["a", None], [None, "b"]]).alpha is None
    same = agreement([["a", "a"]] * 5)
    assert (same.alpha, same.percent) == (None, 1.0)
    assert "chance" in same.sentence
    assert agreement([["a", "a"], ["b", "b"]] * 10).alpha == 1.0


def test_ranking_of_three_by_bradley_and_terry() -> None:
    # Strengths 3 : 1 : 1/3 win 3 of 4 against the next, 9 of 10 against the one after.
    matches = [("a", "b", "left")] * 30 + [("a", "b", "right")] * 10 + [("c", "b", "right")] * 30
    matches += [("b", "c", "right")] * 10 + [("a", "c", "left")] * 36 + [("c", "a", "left")] * 4
    found = ranking(matches)
    assert [rank.name for rank in found] == ["a", "b", "c"]
    assert [rank.score for rank in found] == pytest.approx([3, 1, 1 / 3], rel=1e-3)
    assert all(rank.low < rank.score < rank.high for rank in found)


def test_noise_between_seeds() -> None:
    found = noise([0.50, 0.52, 0.49, math.nan])
    spread = float(np.std([0.50, 0.52, 0.49], ddof=1))
    assert (found.n, found.low, found.high) == (3, 0.49, 0.52)
    assert found.swing == pytest.approx(4.303 * math.sqrt(2) * spread, rel=1e-3)  # t with 2 degrees of freedom
    assert noise([0.5, 0.6]).swing is None
    assert noise([]).n == 0
