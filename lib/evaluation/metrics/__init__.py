"""Metrics: what each is called, its range, which direction is better, and a value for every example.

    score("chrf", predictions, references)             -> Scores, one value an example
    score("perplexity", [], [], losses=…, tokens=…)    -> Scores of the reference under the model
    score("rule:polite", predictions, references)      -> Scores of a check that a team wrote
    aggregate("chrf", scores)                          -> the corpus figure
    ChrF().compute(predictions=…, references=…)        -> the same through the interface of `evaluate`

spec            MetricSpec, Scores: what a metric is, and what it found
lookup          metrics by name, wherever they are from
catalogue       those of the studio
classes         the same as subclasses of `evaluate.Metric`
rules           those that a team writes down: an answer passes or fails
folders         those that a team has as folders of `evaluate`
folder_checks   what such a folder must be and say; nothing of it is run
scoring         columns in, one value an example out
rows            the same row by row, a failure marked
texts           what one row adds to a metric of the studio
rule_rows       one answer against a rule
folder_scoring  a team's own code, in the job's process only
figures         sums of rows -> figures, of thousands of resamples at once
stored          scores as columns of a table, and back

The classes (`Bleu`, `ChrF`, `RougeL` and so on) are made when first asked for. Everything else here is light.

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
