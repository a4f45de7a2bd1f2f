"""Scores of a team's metric folder. It runs their code: only in the job's process, never in the web process."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from lib.errors import BadInput
from lib.evaluation.metrics.folders import FolderMetric, metrics_home
from lib.evaluation.metrics.rows import made, reason
from lib.evaluation.metrics.spec import MetricSpec, Scores


def score_folder(folder: FolderMetric, spec: MetricSpec, columns: dict[str, list[str]]) -> Scores:
    """The rows with a reference through the team's code: all at once where it then gives a number a row, else one row
    at a time; a row that it fails on is marked.

    Raises:
        BadInput: the folder cannot be loaded.
    """
    found: list[float | None] = [None] * len(columns["references"])
    errors: dict[int, str] = {}
    asked = [position for position, reference in enumerate(columns["references"]) if reference.strip()]
    with TemporaryDirectory() as scratch:
        metric = _load(folder, scratch)
        values = _at_once(folder, metric, columns, asked)
        if values is None:
            metric = _load(folder, scratch)  # what it had taken in before it failed is in it still
        for index, position in enumerate(asked):
            try:
                if values is None:
                    one = {name: [column[position]] for name, column in columns.items()}
                    found[position] = _number(folder, _compute(metric, one))
                else:
                    found[position] = values[index]
            except Exception as error:  # whatever the team's code raises
                errors[position] = reason(error)
                metric = _load(folder, scratch)
    return made(spec, found, errors)


def _load(folder: FolderMetric, scratch: str) -> Any:
    import evaluate

    path = metrics_home() / folder.name / folder.module
    try:
        try:
            return evaluate.load(str(path), cache_dir=scratch, keep_in_memory=True)
        except ModuleNotFoundError:  # evaluate has just written its module, and Python remembers that there was none
            importlib.invalidate_caches()
            return evaluate.load(str(path), cache_dir=scratch, keep_in_memory=True)
    except Exception as error:  # whatever the team's code raises
        raise BadInput(
            f"The metric folder {folder.name} cannot be loaded: {reason(error)}",
            "Try `evaluate.load` on it by hand; it must work without a network.",
        ) from error


def _at_once(
    folder: FolderMetric, metric: Any, columns: dict[str, list[str]], asked: Sequence[int]
) -> list[float] | None:
    """A value for each asked row from one call; None where the metric does not give that."""
    if not asked:
        return []
    try:
        found = _compute(metric, {name: [column[position] for position in asked] for name, column in columns.items()})
        listed = found[_key(folder, found)]
        values = [float(value) for value in listed]
    except Exception:  # then row by row, where a fault has a place
        return None
    return values if len(values) == len(asked) > 1 and all(map(math.isfinite, values)) else None


def _compute(metric: Any, columns: dict[str, list[str]]) -> dict[str, Any]:
    """`compute`, each reference in a list of its own where the metric takes several."""
    features = metric.features[0] if isinstance(metric.features, list) else metric.features
    several = type(features.get("references")).__name__ != "Value"
    references = [[text] for text in columns["references"]] if several else columns["references"]
    found = metric.compute(predictions=columns["predictions"], references=references)
    if not isinstance(found, dict):
        raise BadInput("compute gave no dict.")
    return found


def _key(folder: FolderMetric, found: dict[str, Any]) -> str:
    if folder.result:
        if folder.result not in found:
            raise BadInput(f"compute gave no {folder.result!r}, only {', '.join(found)}.")
        return folder.result
    if len(found) != 1:
        raise BadInput(f"compute gave {len(found)} results ({', '.join(found)}): say which one is meant.")
    return next(iter(found))


def _number(folder: FolderMetric, found: dict[str, Any]) -> float:
    value = found[_key(folder, found)]
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    number = float(value)
    if not math.isfinite(number):
        raise BadInput(f"compute gave {number}.")
    return number
