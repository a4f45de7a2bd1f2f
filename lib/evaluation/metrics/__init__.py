"""Metrics: what each is called, its range, which direction is better, and a value for every example.

    score("chrf", predictions, references)             -> Scores, one value an example
    score("perplexity", [], [], losses=…, tokens=…)    -> Scores of the reference under the model
    score("rule:polite", predictions, references)      -> Scores of a check that a team wrote
    aggregate("chrf", scores)                          -> the corpus figure
    ChrF().compute(predictions=…, references=…)        -> the same through the interface of `evaluate`

`catalogue` has the metrics of the studio, `rules` and `folders` those of a team; `texts` scores one row, `figures`
makes figures of rows. The classes (`Bleu`, `ChrF`, `RougeL` and so on) are subclasses of `evaluate.Metric`, made when
first asked for. Everything else here is light.

An empty answer scores 0 in metrics on text. A row without a reference counts only in metrics of the answer alone.
"""

from __future__ import annotations

from typing import Any

from lib.evaluation.metrics.catalogue import DEFAULT_METRICS, METRICS
from lib.evaluation.metrics.figures import aggregate_rows
from lib.evaluation.metrics.lookup import aggregate, get_spec, list_metrics, resolve, shown
from lib.evaluation.metrics.scoring import score, take
from lib.evaluation.metrics.spec import MetricSpec, Scores, finite
from lib.evaluation.metrics.stored import from_columns, report_errors, to_columns

__all__ = [
    "DEFAULT_METRICS",
    "METRICS",
    "MetricSpec",
    "Scores",
    "aggregate",
    "aggregate_rows",
    "finite",
    "from_columns",
    "get_spec",
    "list_metrics",
    "report_errors",
    "resolve",
    "score",
    "shown",
    "take",
    "to_columns",
]


def __getattr__(name: str) -> Any:
    """`RougeL`, `ChrF` and the others: imported by name like any class, made on first use."""
    from lib.evaluation.metrics.classes import CLASSES, made

    if name in CLASSES:
        return made(CLASSES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
