"""The metrics as subclasses of `evaluate.Metric`, made when first asked for.

Importing `evaluate` also imports transformers and torch, which has no place in a process that only shows results.
No metric of the studio uses the network or leaves a file behind.
"""

from __future__ import annotations

from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from lib.evaluation.metrics.catalogue import METRICS, ROWS, Row
from lib.evaluation.metrics.folder_scoring import score_folder
from lib.evaluation.metrics.folders import get_folder
from lib.evaluation.metrics.rule_rows import row_of
from lib.evaluation.metrics.rules import get_rule
from lib.evaluation.metrics.spec import MetricSpec, Scores

CLASSES = {
    "Bleu": "bleu",
    "ChrF": "chrf",
    "Ter": "ter",
    "Rouge1": "rouge1",
    "Rouge2": "rouge2",
    "RougeL": "rougeL",
    "ExactMatch": "exact_match",
    "TokenF1": "token_f1",
    "Perplexity": "perplexity",
    "BitsPerByte": "bits_per_byte",
    "LengthRatio": "length_ratio",
    "Distinct1": "distinct1",
    "Distinct2": "distinct2",
    "StopRate": "stop_rate",
}
"""Name of the class -> metric."""


def column_names(spec: MetricSpec) -> tuple[str, ...]:
    """The columns that a metric takes."""
    if spec.name in ROWS:
        return ROWS[spec.name][1]
    return ("predictions", "references") if spec.needs == "text" else ("predictions",)


def compute(spec: MetricSpec, columns: dict[str, list[Any]]) -> Scores:
    """Score checked columns, through the interface of `evaluate`."""
    kind, _, own = spec.name.partition(":")
    if kind == "folder":
        return score_folder(get_folder(own), spec, columns)
    metric = base()(spec, row_of(get_rule(own))) if kind == "rule" else made(spec.name)()
    found = metric.compute(**columns)
    return Scores(found["per_example"], found["weights"], found[spec.name], found["sums"], found["errors"])


@cache
def base() -> type[Any]:
    """The class that all of them share."""
    import evaluate
    from datasets import Features, Value

    from lib.evaluation.metrics.rows import scored

    kinds = {"losses": "float64", "tokens": "int64", "ended": "bool"}

    class LocalMetric(evaluate.Metric):
        """Keeps its inputs in memory; `compute` gives the corpus figure under the metric's name, then what each row
        gave: `per_example`, `weights`, `sums`, `errors`."""

        def __init__(self, spec: MetricSpec, row: Row) -> None:
            self.spec, self.row = spec, row
            # The base class makes a folder under the home directory unless it is told another, even when it then
            # keeps everything in memory and never writes there.
            with TemporaryDirectory() as folder:
                super().__init__(keep_in_memory=True, cache_dir=folder)

        def _info(self) -> evaluate.MetricInfo:
            columns = {name: Value(kinds.get(name, "string")) for name in column_names(self.spec)}
            return evaluate.MetricInfo(
                description=f"{self.spec.help} {self.spec.signature}", citation="", features=Features(columns)
            )

        def _compute(self, **columns: list[Any]) -> dict[str, Any]:
            found = scored(self.spec, self.row, {name: columns[name] for name in column_names(self.spec)})
            return {
                self.spec.name: found.mean,
                "per_example": found.values,
                "weights": found.weights,
                "sums": found.sums,
                "errors": found.errors,
            }

    return LocalMetric


@cache
def made(name: str) -> type[Any]:
    """The class of one of the studio's metrics, to be called with nothing."""
    spec, row = METRICS[name], ROWS[name][0]
    parent = base()
    title = next(title for title, metric in CLASSES.items() if metric == name)

    def start(self: Any) -> None:
        parent.__init__(self, spec, row)

    return type(title, (parent,), {"spec": spec, "__init__": start, "__doc__": spec.help})
