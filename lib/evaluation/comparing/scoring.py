"""Metrics and statistics of what was answered, and the tables that hold them. For the job's process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lib.errors import StudioError
from lib.evaluation import statistics
from lib.evaluation.comparing.circles import circles
from lib.evaluation.comparing.files import TABLE, Records
from lib.evaluation.comparing.questions import Question
from lib.evaluation.metrics import MetricSpec, Scores, get_spec, report_errors, score, take, to_columns
from lib.storage import disk_errors, sync_path

Table = dict[str, dict[str, Scores]]
"""side -> metric -> scores."""


@dataclass(frozen=True)
class Answered:
    """The questions that every side has answered, in order of their ids, and the lines of one side's answers."""

    questions: list[Question]
    sides: list[str]
    records: Records

    @classmethod
    def of(cls, questions: Sequence[Question], sides: list[str], records: Records) -> Answered:
        done = [one for one in questions if all((one.row_id, side, 0) in records.answers for side in sides)]
        return cls(sorted(done, key=lambda one: one.row_id), sides, records)

    @property
    def row_ids(self) -> list[int]:
        return [question.row_id for question in self.questions]

    def clean(self, leaked: frozenset[int]) -> list[int]:
        """Positions of the questions that did not leak; all of them when every one did."""
        kept = [position for position, row in enumerate(self.row_ids) if row not in leaked]
        return kept or list(range(len(self.questions)))

    def answers(self, side: str, repeat: int = 0) -> list[dict[str, Any]]:
        return [self.records.answers[row, side, repeat] for row in self.row_ids]

    def losses(self, side: str) -> list[dict[str, Any]]:
        """`nats` and `ref_tokens` of each reference; 0 tokens where there is none."""
        nothing = {"nats": None, "ref_tokens": 0}
        return [self.records.losses.get((row, side), nothing) for row in self.row_ids]


def score_all(answered: Answered, names: Sequence[str]) -> tuple[Table, dict[str, MetricSpec], dict[str, Any]]:
    """Every side by every metric, the metrics, and what failed: metric -> side -> rows and the first of them.

    A metric that cannot be used at all, because it was removed since, say, is left out and named.
    """
    table: Table = {side: {} for side in answered.sides}
    specs: dict[str, MetricSpec] = {}
    broken: dict[str, Any] = {}
    for name in names:
        try:
            spec = get_spec(name)
            found = {side: score_one(answered, side, spec) for side in answered.sides}
        except StudioError as error:
            broken[name] = {side: {"rows": len(answered.questions), "first": str(error)} for side in answered.sides}
            continue
        specs[name] = spec
        for side, scores in found.items():
            table[side][name] = scores
    return table, specs, report_errors(table, answered.row_ids) | broken


def score_one(answered: Answered, side: str, spec: MetricSpec, repeat: int = 0) -> Scores:
    """One side by one metric.

    Raises:
        BadInput: the metric cannot be used at all.
    """
    answers, losses = answered.answers(side, repeat), answered.losses(side)
    return score(
        spec,
        [answer["text"] for answer in answers],
        [question.reference for question in answered.questions],
        losses=[loss["nats"] for loss in losses],
        tokens=[loss["ref_tokens"] for loss in losses],
        ended=[answer["ended"] == "end" for answer in answers],
    )


def circling(answers: Sequence[Mapping[str, Any]]) -> int:
    """How many answers were cut at the length limit while they went round in circles."""
    return sum(one["ended"] == "length" and circles(one["text"]) for one in answers)


def figures(table: Table, specs: Mapping[str, MetricSpec], positions: Sequence[int] | None = None) -> dict[str, Any]:
    """`models`, `pairs` and `verdicts` of all rows, or of those at some positions."""
    wanted = {
        side: {
            name: scores if positions is None else take(specs[name], scores, positions)
            for name, scores in by_metric.items()
        }
        for side, by_metric in table.items()
    }
    return statistics.evidence(wanted, specs=specs).to_dict()


def write_outputs(folder: Path, answered: Answered, table: Table, leaked: frozenset[int]) -> None:
    """The table of answers: whole, or as it was."""
    rows = answered.questions
    columns: dict[str, pa.Array] = {
        "row_id": pa.array(answered.row_ids, pa.int64()),
        "prompt": _texts([question.text for question in rows]),
        "reference": _texts([question.reference for question in rows]),
        "leaked": pa.array([row in leaked for row in answered.row_ids], pa.bool_()),
    }
    for side in answered.sides:
        answers, losses = answered.answers(side), answered.losses(side)
        columns[f"text|{side}"] = _texts([answer["text"] for answer in answers])
        columns[f"ended|{side}"] = _texts([answer["ended"] for answer in answers])
        columns[f"tokens|{side}"] = pa.array([answer["tokens"] for answer in answers], pa.int64())
        columns[f"prompt_tokens|{side}"] = pa.array([answer["prompt_tokens"] for answer in answers], pa.int64())
        columns[f"nats|{side}"] = pa.array([loss["nats"] for loss in losses], pa.float64())
        columns[f"ref_tokens|{side}"] = pa.array([loss["ref_tokens"] for loss in losses], pa.int64())
    for side, by_metric in table.items():
        for name, scores in by_metric.items():
            for column, values in to_columns(name, side, scores).items():
                kind = pa.list_(pa.float64()) if "#sums|" in column else pa.float64()
                columns[column] = pa.array(values, kind)
    scratch = folder / f".{TABLE}"
    with disk_errors(folder):
        pq.write_table(pa.table(columns), scratch, compression="zstd")
        sync_path(scratch)
        scratch.replace(folder / TABLE)


def _texts(values: list[str]) -> pa.Array:
    return pa.array(values, pa.string())
