"""How much of a figure is noise: the same questions drawn again with other seeds, and runs trained with other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib.errors import StudioError
from lib.evaluation.comparing.scoring import Answered, score_one
from lib.evaluation.metrics import MetricSpec, take
from lib.evaluation.sides import Side
from lib.evaluation.statistics import noise
from lib.training import runs


def of_seeds(
    answered: Answered, specs: Mapping[str, MetricSpec], repeats: int, positions: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """side -> metric -> noise over the repeats that were answered in full; losses do not change with a seed."""
    found: dict[str, dict[str, Any]] = {}
    for side in answered.sides:
        done = [
            repeat
            for repeat in range(repeats)
            if all((row, side, repeat) in answered.records.answers for row in answered.row_ids)
        ]
        if len(done) < 2:
            continue
        for name, spec in specs.items():
            if spec.needs == "loss":
                continue
            try:
                figures = [take(spec, score_one(answered, side, spec, repeat), positions).mean for repeat in done]
            except StudioError:  # a metric that cannot be used is named with the figures
                continue
            found.setdefault(side, {})[name] = noise(figures).to_dict()
    return found


def of_runs(sides: Sequence[Side], models: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Runs that differ in nothing but the seed, each group with its noise by metric."""
    groups: dict[str, list[str]] = {}
    for side in sides:
        if side.run:
            view = runs.get(side.run)
            settings = {key: value for key, value in view.config.to_dict().items() if key != "seed"}
            if not view.adopted:
                groups.setdefault(str((view.data_ref, view.model, view.template, settings)), []).append(side.name)
    return [
        {
            "runs": names,
            "metrics": {
                metric: noise([models[name][metric]["mean"] for name in names]).to_dict()
                for metric in models[names[0]]
                if all(models[name][metric]["mean"] is not None for name in names)
            },
        }
        for names in groups.values()
        if len(names) > 1
    ]
