"""What the Home page says: what there is, what happened, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.database import Activity, session
from lib.evaluation import comparisons
from lib.evaluation.comparisons import ComparisonView
from lib.jobs import queue, worker
from lib.models import starter
from lib.training import runs
from lib.training.runs import RunView

SAMPLE = "medical-terms"


@dataclass(frozen=True)
class NextStep:
    """One sentence, one button: the page it leads to and the address parameters there."""

    text: str
    label: str
    page: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ActivityLine:
    """`link` is a page's name and its parameters, `page?key=value`; `at` in seconds since 1970."""

    at: float
    who: str
    what: str
    link: str


@dataclass(frozen=True)
class Overview:
    """Everything on the Home page."""

    datasets: list[DatasetInfo]
    runs: list[RunView]
    comparisons: list[ComparisonView]
    activity: list[ActivityLine]
    starter_ready: bool
    worker_alive: bool
    live_jobs: int


def read() -> Overview:
    """Gather it; a handful of small queries."""
    return Overview(
        datasets=datasets.list_datasets(),
        runs=runs.list_runs(),
        comparisons=comparisons.list_comparisons(),
        activity=activity(),
        starter_ready=starter.is_ready(),
        worker_alive=worker.alive(),
        live_jobs=len([job for job in queue.live_jobs() if job.kind != "engine"]),
    )


def activity(limit: int = 12) -> list[ActivityLine]:
    """The newest lines first."""
    with session() as opened:
        rows = opened.scalars(select(Activity).order_by(Activity.id.desc()).limit(limit))
        return [ActivityLine(row.at, row.who, row.what, row.link) for row in rows]


def next_step(now: Overview) -> NextStep:
    """The first gap in the chain data -> run -> comparison."""
    if not now.datasets:
        return NextStep("Bring in some data to start with.", "Import a dataset", "datasets")
    live = next((run for run in now.runs if run.job.live), None)
    if live:
        return NextStep(f"{live.id} is {live.status}.", "Watch it", "runs", {"run": live.id})
    compared = {run_id for comparison in now.comparisons for run_id in comparison.runs}
    ready = next((run for run in now.runs if run.has_adapter and run.id not in compared), None)
    if ready:
        text = f"{ready.id} has learned from {ready.data_ref}. Is it better than its base?"
        return NextStep(text, "Compare it with its base", "compare", {"run": ready.id})
    if not now.runs:
        sample = next((info for info in now.datasets if info.name == SAMPLE), now.datasets[0])
        return NextStep(
            f"{sample.name} is ready to train on.", "Train First look, about 2 min", "train", _train_link(sample)
        )
    newest = now.datasets[0]
    return NextStep("Try other data or other settings.", "Train again", "train", _train_link(newest))


def _train_link(info: DatasetInfo) -> dict[str, Any]:
    return {"dataset": info.ref}
