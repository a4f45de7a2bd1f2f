"""Of three sides or more, which has the best figure by each metric."""

from __future__ import annotations

from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.metrics import MetricSpec
from lib.evaluation.statistics.words import listed

SIDES = 3  # of two, the verdict says it


def best_in_words(view: ComparisonView) -> str:
    """`Best figure: otter by Perplexity; otter and fox alike by chrF. …`; empty with two sides, or without figures."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, spec in view.metrics.items():
        if (sides := _best(view, name, spec)) and len(view.sides) >= SIDES:
            found.setdefault(sides, []).append(spec.label)
    if not found:
        return ""
    told = "; ".join(
        f"{listed(sides)}{' alike' if len(sides) > 1 else ''} by {listed(labels)}" for sides, labels in found.items()
    )
    return f"Best figure: {told}. A lead may be chance: measure the others against that side to see."


def _best(view: ComparisonView, name: str, spec: MetricSpec) -> tuple[str, ...]:
    """The sides with the best mean; none where no direction is better, or all are alike."""
    if spec.higher_is_better is None:
        return ()
    sign = 1 if spec.higher_is_better else -1
    models = view.result.get("models", {})
    means = {side: models.get(side, {}).get(name, {}).get("mean") for side in view.sides}
    figures = {side: sign * round(mean, spec.digits) for side, mean in means.items() if mean is not None}
    most = max(figures.values(), default=0)
    best = tuple(side for side, mean in figures.items() if mean == most)
    return best if len(best) < len(figures) else ()
