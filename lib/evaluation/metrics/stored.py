"""Scores as columns of a table, and back: so that parts of the rows are compared later without scoring again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lib.evaluation.metrics.figures import corpus_figure, counted, row_sums
from lib.evaluation.metrics.lookup import resolve
from lib.evaluation.metrics.spec import MetricSpec, Scores, finite


def to_columns(metric: str | MetricSpec, side: str, scores: Scores) -> dict[str, list[Any]]:
    """`<metric>|<side>`: a value a row, None where it does not count; where the figure needs them, also
    `<metric>#sums|<side>`: the numbers that add up."""
    name = resolve(metric).name
    columns: dict[str, list[Any]] = {f"{name}|{side}": [finite(value) for value in scores.values]}
    if scores.sums is not None:
        columns[f"{name}#sums|{side}"] = [list(sums) for sums in scores.sums]
    return columns


def from_columns(metric: str | MetricSpec, side: str, columns: Mapping[str, Sequence[Any]]) -> Scores:
    """The scores that `to_columns` wrote; errors are not among them."""
    spec = resolve(metric)
    values = [math.nan if value is None else float(value) for value in columns[f"{spec.name}|{side}"]]
    listed = columns.get(f"{spec.name}#sums|{side}")
    sums = None if listed is None else [tuple(float(number) for number in row) for row in listed]
    weights = [
        0.0 if math.isnan(value) else row[1] if spec.needs == "loss" and row else 1.0
        for value, row in zip(values, sums or [()] * len(values), strict=True)
    ]
    part = Scores(values, weights, math.nan, sums)
    mean = corpus_figure(spec, row_sums(part), counted(part)) if values else math.nan
    return Scores(values, weights, mean, sums)


def report_errors(
    scores: Mapping[str, Mapping[str, Scores]], row_ids: Sequence[int]
) -> dict[str, dict[str, dict[str, Any]]]:
    """`{metric: {side: {"rows": how many rows it failed on, "first": "row 12: why"}}}`, of `{side: {metric: …}}`."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for side, by_metric in scores.items():
        for metric, one in by_metric.items():
            if one.errors:
                first = min(one.errors)
                told = {"rows": len(one.errors), "first": f"row {row_ids[first]}: {one.errors[first]}"}
                found.setdefault(metric, {})[side] = told
    return found
