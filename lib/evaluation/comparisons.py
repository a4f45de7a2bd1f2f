"""Comparisons: create one, list them, read what was stored. The work itself is `lib.evaluation.comparer`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy import select

from lib.data import datasets
from lib.database import Comparison, note, session
from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation.metrics import METRICS, get_spec
from lib.jobs import queue
from lib.jobs.queue import JobView
from lib.storage import comparison_dir
from lib.training import runs


@dataclass(frozen=True)
class CompareConfig:
    """What to compare and how; `limit` 0 takes the whole split. Greedy, so that a repeat gives the same texts."""

    limit: int = 0
    metrics: tuple[str, ...] = tuple(METRICS)
    max_new_tokens: int = 96
    batch_rows: int = 8

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "metrics": list(self.metrics)}


@dataclass(frozen=True)
class ComparisonView:
    """One comparison with the state of its job. `result` is empty until there is one (see `comparer`)."""

    id: int
    runs: list[str]
    dataset: str
    version: int
    split: str
    config: dict[str, Any]
    created_at: float
    created_by: str
    job: JobView
    result: dict[str, Any]

    @property
    def status(self) -> str:
        return self.job.status

    @property
    def data_ref(self) -> str:
        return f"{self.dataset}@{self.version}"

    def to_dict(self) -> dict[str, Any]:
        """The shape of `compare --json`."""
        return {
            "comparison": self.id,
            "status": self.status,
            "runs": self.runs,
            "data": self.data_ref,
            "split": self.split,
            "config": self.config,
            "error": self.job.error,
            **self.result,
        }


def create(run_ids: Sequence[str], data: str | None, split: str, config: CompareConfig, user: str) -> ComparisonView:
    """Check what can be checked without a model, then queue the comparison.

    Raises:
        NotFound: unknown run, dataset or metric.
        BadInput: no runs, an empty split, runs on different bases.
        WrongState: a run that has no adapter yet.
    """
    if not run_ids:
        raise BadInput("There is no run to compare.", "Name at least one.")
    views = [runs.get(run_id) for run_id in dict.fromkeys(run_ids)]
    for view in views:
        if not view.has_adapter:
            raise WrongState(
                f"The run {view.id} is {view.status} and has no adapter.", "Wait for it, or choose another."
            )
    if len({(view.model, view.config.quantization) for view in views}) > 1:
        raise BadInput("The runs stand on different bases.", "Compare runs of one base and one quantization at a time.")
    for metric in config.metrics:
        get_spec(metric)
    info = datasets.get(data or views[0].data_ref)
    if not info.splits.get(split):
        there = ", ".join(name for name, rows in info.splits.items() if rows) or "none"
        raise BadInput(f"{info.name}@{info.version} has no rows in its {split} split.", f"Splits with rows: {there}.")
    with session() as opened:
        job = queue.new_job("compare", {}, user)
        opened.add(job)
        opened.flush()
        row = Comparison(
            job_id=job.id,
            runs=[view.id for view in views],
            dataset=info.name,
            version=info.version,
            split=split,
            config=config.to_dict(),
            created_by=user,
        )
        opened.add(row)
        opened.flush()
        job.payload = {"comparison": row.id}
    names = ", ".join(view.id for view in views)
    note(user, f"compared {names} with the base on {info.name} {split}", f"compare?comparison={row.id}")
    return get(row.id)


def get(comparison_id: int) -> ComparisonView:
    """Raises:
    NotFound: no comparison of that number.
    """
    with session() as opened:
        row = opened.get(Comparison, comparison_id)
        if row is None:
            raise NotFound(f"There is no comparison {comparison_id}.", "The Compare page lists them.")
        return _view(row)


def list_comparisons(limit: int | None = None) -> list[ComparisonView]:
    """All comparisons, newest first."""
    with session() as opened:
        return [_view(row) for row in opened.scalars(select(Comparison).order_by(Comparison.id.desc()).limit(limit))]


def examples(comparison_id: int, order: str = "row", limit: int = 20, offset: int = 0) -> list[dict[str, Any]]:
    """Rows of the outputs: `row_id`, `prompt`, `reference`, then `text|<model>` and `<metric>|<model>` columns.

    Args:
        order: `row`, or `<metric>:<model>:<base>` for the largest difference between two models first.
    """
    path = comparison_dir(comparison_id) / "outputs.parquet"
    if not path.exists():
        return []
    clause = '"row_id"'
    if order != "row":
        metric, model, base = order.split(":", 2)
        left, right = (_quoted(f"{metric}|{name}") for name in (model, base))
        clause = f"abs({left} - {right}) DESC, row_id"
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT * FROM read_parquet(?) ORDER BY {clause} LIMIT ? OFFSET ?", [str(path), limit, offset]
        )
        names = [column[0] for column in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _view(row: Comparison) -> ComparisonView:
    path = comparison_dir(row.id) / "result.json"
    return ComparisonView(
        id=row.id,
        runs=list(row.runs),
        dataset=row.dataset,
        version=row.version,
        split=row.split,
        config=row.config,
        created_at=row.created_at,
        created_by=row.created_by,
        job=JobView.of(row.job),
        result=json.loads(path.read_text(encoding="utf-8")) if path.exists() else {},
    )
