"""From rows to scores. A row that a metric fails on is marked, the rest counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lib.errors import StudioError
from lib.evaluation.metrics import figures
from lib.evaluation.metrics.catalogue import Row
from lib.evaluation.metrics.spec import MetricSpec, Scores
from lib.evaluation.metrics.texts import Found

REASON_LENGTH = 200


def scored(spec: MetricSpec, row: Row, columns: dict[str, list[Any]]) -> Scores:
    """Every row through `row`; what it raises marks that row."""
    found: list[Found] = []
    errors: dict[int, str] = {}
    for position, cells in enumerate(zip(*columns.values(), strict=True)):
        asked = spec.needs != "text" or columns["references"][position].strip()
        try:
            found.append(row(*cells) if asked else None)
        except Exception as error:  # a team's metric may raise anything
            found.append(None)
            errors[position] = reason(error)
    return made(spec, found, errors)


def made(spec: MetricSpec, found: Sequence[Found], errors: dict[int, str]) -> Scores:
    """Values, weights and the corpus figure of what each row gave; None does not count."""
    if all(one is None for one in found):
        return Scores([math.nan] * len(found), [0.0] * len(found), math.nan, None, errors)
    width = max((len(one) for one in found if isinstance(one, tuple)), default=0)
    nothing = (0.0,) * (width or 2)
    sums = [nothing if one is None else one if isinstance(one, tuple) else (float(one), 1.0) for one in found]
    there = np.array([one is not None for one in found], dtype=bool)
    table = np.asarray(sums, dtype=float)
    values = np.where(there, figures.ROWS.get(spec.name, figures.ratio)(table), math.nan)
    weights = np.where(there, table[:, 1] if spec.needs == "loss" else 1.0, 0.0)
    mean = figures.corpus_figure(spec, table, there)
    return Scores(values.tolist(), weights.tolist(), mean, sums if width else None, errors)


def reason(error: Exception) -> str:
    """Why a row was marked, on one line."""
    text = error.message if isinstance(error, StudioError) else f"{type(error).__name__}: {error}"
    line = " ".join(text.split())
    return line if len(line) <= REASON_LENGTH else f"{line[:REASON_LENGTH]} …"
