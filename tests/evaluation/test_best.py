"""Which of several sides has the best figure."""

from __future__ import annotations

from types import SimpleNamespace

from lib.evaluation.best import best_in_words
from lib.evaluation.metrics import METRICS


def view(**figures: dict[str, float | None]) -> SimpleNamespace:
    names = dict.fromkeys(name for by_metric in figures.values() for name in by_metric)
    models = {side: {name: {"mean": mean} for name, mean in by_metric.items()} for side, by_metric in figures.items()}
    return SimpleNamespace(
        result={"models": models}, metrics={name: METRICS[name] for name in names}, sides=list(figures)
    )


def test_each_metric_goes_its_own_way_and_sides_that_look_alike_are_both_named():
    found = view(
        base={"perplexity": 9.0, "chrf": 20.0, "rougeL": 0.1, "length_ratio": 3.0, "exact_match": 0.0},
        otter={"perplexity": 7.001, "chrf": 30.0, "rougeL": 0.2, "length_ratio": 1.0, "exact_match": 0.0},
        fox={"perplexity": 7.002, "chrf": 25.0, "rougeL": None, "length_ratio": 1.1, "exact_match": 0.0},
    )
    assert best_in_words(found).startswith(
        "Best figure: otter and fox alike by Perplexity of the reference; otter by chrF and ROUGE-L. "
    )


def test_of_two_or_without_figures_nothing_is_said():
    assert best_in_words(view(base={"chrf": 1.0}, otter={"chrf": 2.0})) == ""
    assert best_in_words(SimpleNamespace(result={}, metrics={}, sides=["base", "otter", "fox"])) == ""
