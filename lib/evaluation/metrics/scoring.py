"""Scoring: columns in, one value an example out; and parts of what was scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lib.errors import BadInput
from lib.evaluation.metrics import figures
from lib.evaluation.metrics.lookup import resolve
from lib.evaluation.metrics.spec import MetricSpec, Scores


def score(
    metric: str | MetricSpec,
    predictions: Sequence[str],
    references: Sequence[str | None],
    losses: Sequence[float | None] | None = None,
    tokens: Sequence[int] | None = None,
    ended: Sequence[bool] | None = None,
) -> Scores:
    """Score every example with one metric. For the job's process: it imports `evaluate`, and with it torch.

    Args:
        metric: a key of `METRICS`, `rule:<name>` or `folder:<name>`.
        predictions: what the model wrote; not looked at by metrics on losses.
        references: what was expected, one a prediction. A row without one (None or blank) counts only in metrics of
            the answer alone.
        losses: for metrics on losses, the summed negative log likelihood of each reference in nats. None or nan: the
            row is marked.
        tokens: for metrics on losses, the number of tokens in each of those sums; 0: the row does not count.
        ended: for the stop rate, whether the model ended each answer itself.

    Raises:
        NotFound: no metric of that name.
        BadInput: nothing to score, columns that are missing or of unequal length, text that is no string, a team's
            metric that cannot be loaded.
    """
    from lib.evaluation.metrics.classes import column_names, compute

    spec = resolve(metric)
    expected = [reference or "" for reference in references]
    given = {"predictions": predictions, "references": expected, "losses": losses, "tokens": tokens, "ended": ended}
    columns = {name: given[name] for name in column_names(spec)}
    checked = {name: list(column) for name, column in _checked(spec, columns).items()}
    return compute(spec, checked)


def take(metric: str | MetricSpec, scores: Scores, positions: Sequence[int]) -> Scores:
    """The scores of some rows, in that order, with their own corpus figure."""
    spec = resolve(metric)
    part = Scores(
        values=[scores.values[position] for position in positions],
        weights=[scores.weights[position] for position in positions],
        mean=math.nan,
        sums=[scores.sums[position] for position in positions] if scores.sums is not None else None,
        errors={new: scores.errors[old] for new, old in enumerate(positions) if old in scores.errors},
    )
    mean = figures.corpus_figure(spec, figures.row_sums(part), figures.counted(part)) if positions else math.nan
    return Scores(part.values, part.weights, mean, part.sums, part.errors)


def _checked(spec: MetricSpec, columns: dict[str, Sequence[Any] | None]) -> dict[str, Sequence[Any]]:
    """Refuse columns that are missing, empty or do not pair up, and text that is none."""
    there = {name: column for name, column in columns.items() if column is not None}
    if missing := ", ".join(name for name in columns if name not in there):
        raise BadInput(f"{spec.label} was not given what it needs: {missing}.", "Give one of each a row.")
    lengths = {name: len(column) for name, column in there.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{count} {name}" for name, count in lengths.items())
        raise BadInput(f"{spec.label} was given columns that do not pair up: {listed}.", "Give one of each a row.")
    if not all(lengths.values()):
        raise BadInput(f"{spec.label} was given no rows to score.", "Choose a split or a limit that has rows.")
    texts = [there[name] for name in ("predictions", "references") if name in there]
    if not all(isinstance(text, str) for column in texts for text in column):
        raise BadInput(f"{spec.label} was given something that is not text.", "Give answers and references as strings.")
    return there
