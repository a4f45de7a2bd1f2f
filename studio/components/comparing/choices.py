"""Choosers that several parts of a comparison share."""

from __future__ import annotations

from lib.evaluation.comparisons import ComparisonView
from studio import comparison_cache
from studio.components.comparing import place
from studio.components.text import escape

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


def measured(view: ComparisonView) -> ComparisonView:
    """The comparison against the side that the address names; as it is, without one."""
    base = place.get("base")
    return comparison_cache.measured_against(view, base) if base in view.sides and _several(view) else view


def reference_choice(stored: ComparisonView) -> None:
    """What the others are measured against: the first side, or another where there are three or more."""
    if _several(stored):
        place.select(
            "base",
            "Measured against",
            stored.sides,
            stored.sides[0],
            width=260,
            help="One run against another, from the same answers: nothing is asked anew.",
        )


def _several(view: ComparisonView) -> bool:
    return len(view.sides) > 2 and bool(view.result.get("pairs"))


def side_choice(view: ComparisonView) -> list[str]:
    """The tuned sides to look at: all, or one of them; nothing is asked where there is one."""
    tuned = view.sides[1:]
    if len(tuned) < 2:
        return tuned
    label = f"Against {escape(view.sides[0])}"
    chosen = place.switch("side", label, [EVERY, *tuned], EVERY, words=escape, label_visibility="visible")
    return tuned if chosen == EVERY else [chosen]
