"""Choosers that several parts of a comparison share."""

from __future__ import annotations

from lib.evaluation.comparisons import ComparisonView
from studio.components.comparing import place

EVERY = "all"


def metric_choice(view: ComparisonView) -> str:
    """One of its metrics."""
    metrics = view.metrics
    return place.select(
        "metric",
        "Metric",
        list(metrics),
        next(iter(metrics), ""),
        words=lambda key: metrics[key].label,
        width=220,
        help="What wins and losses are counted by.",
    )


def side_choice(view: ComparisonView) -> list[str]:
    """The tuned sides to look at: all, or one of them; nothing is asked where there is one."""
    tuned = view.sides[1:]
    if len(tuned) < 2:
        return tuned
    chosen = place.switch("side", "Against the base", [EVERY, *tuned], EVERY, label_visibility="visible")
    return tuned if chosen == EVERY else [chosen]
