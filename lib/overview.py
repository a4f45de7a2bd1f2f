"""What the Home page says: what there is, what happened, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.database import Activity, session
from lib.database.models import FINISHED
from lib.devices import Device, default_device
from lib.evaluation import comparisons, votes
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.votes import BallotView
from lib.jobs import queue, worker
from lib.models import starter
from lib.training import runs
from lib.training.runs import RunView

SAMPLE = "medical-terms"
SAMPLES = (SAMPLE, "support-desk")  # what `make setup` brings


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
    ballots: list[BallotView]
    starter_ready: bool
    worker_alive: bool
    live_jobs: int
    device: Device


def read() -> Overview:
    """Gather it; a handful of small queries."""
    return Overview(
        datasets=datasets.list_datasets(),
        runs=runs.list_runs(),
        comparisons=comparisons.list_comparisons(),
        activity=activity(),
        ballots=votes.list_ballots(),
        starter_ready=starter.is_ready(),
        worker_alive=worker.alive(),
        live_jobs=len(live_jobs()),
        device=default_device(),
    )


def live_jobs() -> list[int]:
    """Jobs that wait or run, but for the engine, which only waits for questions."""
    return [job.id for job in queue.live_jobs() if job.kind != "engine"]


def activity(limit: int = 12) -> list[ActivityLine]:
    """The newest lines first."""
    with session() as opened:
        rows = opened.scalars(select(Activity).order_by(Activity.id.desc()).limit(limit))
        return [ActivityLine(row.at, row.who, row.what, row.link) for row in rows]


def next_step(now: Overview) -> NextStep:
    """The first gap in the chain data -> run -> comparison -> vote."""
    if not now.datasets:
        return NextStep("Bring in some data to start with.", "Import a dataset", "datasets")
    return (
        _watch_step(now)
        or _compare_step(now)
        or _first_run_step(now)
        or _vote_step(now)
        or NextStep("Try other data or other settings.", "Train again", "train", _train_link(now.datasets[0]))
    )


def _watch_step(now: Overview) -> NextStep | None:
    run = next((run for run in now.runs if run.job.live), None)
    if run:
        return NextStep(f"{run.id} is {run.status}.", "Watch it", "runs", {"run": run.id})
    asked = next((one for one in now.comparisons if one.job.live), None)
    if asked:
        return NextStep(f"Comparison {asked.id} is {asked.status}.", "Watch it", "compare", _comparison_link(asked))
    return None


def _compare_step(now: Overview) -> NextStep | None:
    compared = {run_id for comparison in now.comparisons for run_id in comparison.runs}
    ready = next((run for run in now.runs if run.has_adapter and run.id not in compared), None)
    if ready is None:
        return None
    learned = f" has learned from {ready.data_ref}" if ready.data_ref else " is here"
    return NextStep(
        f"{ready.id}{learned}. Is it better than its base?", "Compare it with its base", "compare", {"run": ready.id}
    )


def _first_run_step(now: Overview) -> NextStep | None:
    if now.runs:
        return None
    own = next((info for info in now.datasets if info.name not in SAMPLES), None)
    chosen = own or next((info for info in now.datasets if info.name == SAMPLE), now.datasets[0])
    return NextStep(
        f"{chosen.name} is ready to train on.", "Train First look, some minutes", "train", _train_link(chosen)
    )


def _vote_step(now: Overview) -> NextStep | None:
    """What people say of the newest comparison: start a vote on it, or take part in the one that is open."""
    newest = next((one for one in now.comparisons if one.status == FINISHED), None)
    if newest is None:
        return None
    ballot = next((one for one in now.ballots if one.comparison == newest.id), None)
    if ballot is None:
        text = f"Comparison {newest.id} has its figures. Which answers do people like better when they see no names?"
        return NextStep(text, "Start a vote", "vote", {"comparison": str(newest.id)})
    if ballot.open:
        return NextStep(f"A vote on comparison {newest.id} is open.", "Vote", "vote", {"ballot": ballot.id})
    return None


def _comparison_link(view: ComparisonView) -> dict[str, str]:
    run = {"run": view.runs[0]} if view.runs else {}
    return {**run, "comparison": str(view.id)}


def _train_link(info: DatasetInfo) -> dict[str, Any]:
    return {"dataset": info.ref}
