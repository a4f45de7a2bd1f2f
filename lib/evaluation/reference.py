"""The answers of a comparison measured against another of its sides: one run against another, without asking anew.

view = measured_against(comparisons.get(3), "gentle-otter")  # sides[0], pairs and verdicts are of gentle-otter now
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lib.errors import NotFound
from lib.evaluation import comparisons
from lib.evaluation.comparing.checks import SILENCE
from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.statistics import evidence


def measured_against(view: ComparisonView, side: str) -> ComparisonView:
    """The view with `side` as the reference: figures, intervals and p-values anew, from the scores that are stored.

    What was found about the comparison itself (leaks, proofs, noise) stays as it is, but for the warning that the
    base was silent.

    Raises:
        NotFound: no such side.
        StorageError: the stored answers are gone.
    """
    if side not in view.sides:
        raise NotFound(f"Comparison {view.id} has no side {side!r:.60}.", f"Sides: {', '.join(view.sides)}.")
    if side == view.sides[0] or not view.result:
        return view
    order = [side, *(name for name in view.sides if name != side)]
    result = {**view.result, **_figures(view, order)}
    result["warnings"] = [one for one in result.get("warnings", []) if one["kind"] != SILENCE]
    if result.get("with_leaks"):
        result["with_leaks"] = _figures(view, order, clean=False)
    sides = sorted(view.config.get("sides", []), key=lambda one: order.index(one["name"]))
    return replace(view, config={**view.config, "sides": sides}, result=result)


def _figures(view: ComparisonView, order: list[str], clean: bool = True) -> dict[str, Any]:
    """`models`, `pairs` and `verdicts`, the first side being what the others are measured against."""
    scores = {
        side: {metric: comparisons.scores(view, metric, side, clean)[1] for metric in view.metrics} for side in order
    }
    return evidence(scores, specs=view.metrics).to_dict()
