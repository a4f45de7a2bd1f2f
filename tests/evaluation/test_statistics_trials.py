"""Thousands of comparisons of equal models: intervals cover as often as they say, verdicts are seldom wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest

from lib.evaluation.metrics import Scores
from lib.evaluation.statistics import compare, evidence, resampling
from tests.helpers import THOROUGH

TRIALS = 2_000
FAMILIES = 20 * THOROUGH  # of four metrics each: half a second a family

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def scores(values: np.ndarray) -> Scores:
    return Scores(values.tolist(), [1.0] * len(values), float(values.mean()))


def skewed(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Like ROUGE of base and tuned: low, long to the right, alike on hard rows."""
    hard = rng.beta(1, 3, rows)
    return hard * rng.beta(2, 1, rows), hard * rng.beta(2, 1, rows)


def half_alike(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Half of the rows are answered alike."""
    base = rng.random(rows)
    return base, np.where(rng.random(rows) < 0.5, base, rng.random(rows))


def passes(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Passes and failures of rows of unlike difficulty."""
    ease = rng.random(rows)
    return (rng.random(rows) < ease).astype(float), (rng.random(rows) < ease).astype(float)


@pytest.mark.parametrize(
    ("name", "draw", "rows"),
    [("rougeL", skewed, 20), ("rougeL", skewed, 60), ("rougeL", half_alike, 60), ("exact_match", passes, 60)],
)
def test_the_interval_of_a_tie_covers_0(name: str, draw: Draw, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "PERMUTATIONS", 99)  # p is not what is looked at here
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(TRIALS):
        base, tuned = draw(rng, rows)
        found = compare(name, scores(base), scores(tuned), seed=trial % 20)
        assert found.low is not None and found.high is not None
        covered += found.low <= 0 <= found.high
    assert 0.93 <= covered / TRIALS <= 0.97


def test_equal_models_are_seldom_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "PERMUTATIONS", 999)
    rng = np.random.default_rng(2)
    wrong = 0
    for trial in range(FAMILIES):
        drawn = [skewed(rng, 40), skewed(rng, 40), half_alike(rng, 40), passes(rng, 40)]
        names = ("rougeL", "rouge1", "token_f1", "exact_match")
        sides = [dict(zip(names, map(scores, columns), strict=True)) for columns in zip(*drawn, strict=True)]
        found = evidence({"base": sides[0], "run": sides[1]}, seed=trial % 10)
        wrong += found.verdicts["run"].verdict != "no evidence"
    assert binomtest(wrong, FAMILIES, 0.05, alternative="greater").pvalue > 0.05, wrong


def test_a_planted_difference_is_found_as_often_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "PERMUTATIONS", 999)
    rng = np.random.default_rng(3)
    found, rows = 0, 60
    for trial in range(400):
        base, tuned = rng.random(rows), rng.random(rows)
        detectable = compare("rougeL", scores(base), scores(tuned), seed=trial % 10).detectable
        assert detectable is not None
        shown = compare("rougeL", scores(rng.random(rows)), scores(rng.random(rows) + detectable), seed=trial % 10)
        found += shown.verdict == "tuned better"
    assert 0.72 <= found / 400 <= 0.88
