"""The job queue: submit, look, stop, reorder. How workers take jobs is in `lib.jobs.claims`.

Lanes: `compute` (training, comparisons) runs one job on each device and `engine` one; `light` (imports) has no limit.
Waiting jobs have their turn in order of their ids, until somebody moves one.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from lib.database import Job, session
from lib.database.models import LIVE, QUEUED, STOPPED
from lib.errors import BadInput, WrongState
from lib.jobs.claims import (
    HOST,
    PLACE,
    begin,
    claim,
    close_dead,
    end,
    never_began,
    overdue,
    process_of,
    pulse,
    sweep,
    take,
)
from lib.jobs.processes import is_alive
from lib.jobs.view import JobView, row

__all__ = [
    "HOST",
    "KINDS",
    "JobView",
    "begin",
    "claim",
    "close_dead",
    "end",
    "get",
    "is_alive",
    "live_jobs",
    "move",
    "never_began",
    "new_job",
    "newest",
    "overdue",
    "process_of",
    "pulse",
    "stop",
    "submit",
    "submit_once",
    "sweep",
    "take",
    "waiting",
]

LONG_AGO = 1.0  # a stop that was asked for then is overdue: the worker waits no longer
RECENT = 200  # jobs that `newest` looks through

# kind -> (lane, "module:function"); the function takes (payload, JobContext) and returns a JSON result.
# Named as text, so that the web process and the worker import none of them.
KINDS: dict[str, tuple[str, str]] = {
    "import": ("light", "lib.data.imports.job:run_job"),
    "bulk": ("light", "lib.data.edits.job:run_job"),
    "check": ("light", "lib.data.checks.job:run_job"),
    "split": ("light", "lib.data.splits.job:run_job"),
    "leakage": ("light", "lib.data.splits.leakage_job:run_job"),
    "measure": ("light", "lib.data.measures.job:run_job"),
    "lint": ("light", "lib.data.lint.job:run_job"),
    "save": ("light", "lib.data.versions.job:run_job"),
    "export": ("light", "lib.export.job:run_job"),
    "round trip": ("light", "lib.data.round_trip_job:run_job"),
    "download": ("light", "lib.models.job:run_job"),
    "train": ("compute", "lib.training.trainer:run_job"),
    "dry run": ("compute", "lib.training.trainer.dry:run_job"),
    "compare": ("compute", "lib.evaluation.comparing.job:run_job"),
    "package": ("compute", "lib.packaging.job:run_job"),
    "package adapter": ("light", "lib.packaging.job:run_job"),
    "engine": ("engine", "lib.inference.engine:run_job"),
}


def new_job(kind: str, payload: dict[str, Any], user: str) -> Job:
    """A queued job, not yet in the database: add it in the session that adds what belongs to it."""
    return Job(kind=kind, lane=KINDS[kind][0], payload=payload, created_by=user, status=QUEUED, progress={})


def submit(kind: str, payload: dict[str, Any], user: str) -> int:
    """Put a job into the queue and return its id."""
    with session() as opened:
        job = new_job(kind, payload, user)
        opened.add(job)
        opened.flush()
        return job.id


def submit_once(kind: str, payload: dict[str, Any], user: str) -> int:
    """`submit`, unless a job of that kind is queued or running: its id then, whoever asked for it."""
    with session() as opened:
        live = opened.scalar(select(Job.id).where(Job.kind == kind, Job.status.in_(LIVE)).order_by(Job.id).limit(1))
        if live is not None:
            return live
        job = new_job(kind, payload, user)
        opened.add(job)
        opened.flush()
        return job.id


def get(job_id: int) -> JobView:
    """Raises:
    NotFound: no job of that number.
    """
    with session() as opened:
        return JobView.of(row(opened, job_id))


def live_jobs(kind: str | None = None) -> list[JobView]:
    """Queued and running jobs, oldest first."""
    query = select(Job).where(Job.status.in_(LIVE)).order_by(Job.id)
    if kind:
        query = query.where(Job.kind == kind)
    with session() as opened:
        return [JobView.of(job) for job in opened.scalars(query)]


def newest(kind: str, **wanted: Any) -> JobView | None:
    """The last job of a kind whose payload holds these values, live or ended, among the last 200."""
    query = select(Job).where(Job.kind == kind).order_by(Job.id.desc()).limit(RECENT)
    with session() as opened:
        jobs = (JobView.of(job) for job in opened.scalars(query))
        return next((job for job in jobs if wanted.items() <= job.payload.items()), None)


def stop(job_id: int, at_once: bool = False) -> JobView:
    """Ask a job to stop: a queued one is stopped at once, a running one keeps what it has and ends.

    Args:
        at_once: the worker ends its processes without waiting for it to keep anything.

    Raises:
        WrongState: the job has ended already.
    """
    with session() as opened:
        job = row(opened, job_id)
        if job.status not in LIVE:
            raise WrongState(f"Job {job_id} is {job.status} already.", "There is nothing to stop.")
        if job.status == QUEUED:
            job.status, job.finished_at = STOPPED, time.time()
        else:
            job.stop_requested_at = LONG_AGO if at_once else job.stop_requested_at or time.time()
        return JobView.of(job)


def waiting(lane: str | None = None) -> list[JobView]:
    """Queued jobs in the order in which they will have their turn; of one lane, or of all."""
    query = select(Job).where(Job.status == QUEUED).order_by(PLACE, Job.id)
    if lane:
        query = query.where(Job.lane == lane)
    with session() as opened:
        return [JobView.of(job) for job in opened.scalars(query)]


def move(job_id: int, before: int | None = None) -> list[JobView]:
    """Put a waiting job before another one of its lane, or last; returns the lane's waiting jobs in their new order.

    Raises:
        NotFound: no job of that number.
        WrongState: one of the two is not waiting any more.
        BadInput: the other job is in another lane.
    """
    with session() as opened:
        lane = _waits(row(opened, job_id)).lane
        if before is not None and _waits(row(opened, before)).lane != lane:
            raise BadInput(f"Jobs {job_id} and {before} do not wait for the same thing.", "Choose one of its lane.")
        query = select(Job).where(Job.status == QUEUED, Job.lane == lane).order_by(PLACE, Job.id).with_for_update()
        jobs = list(opened.scalars(query))
        places = sorted(job.id if job.position is None else job.position for job in jobs)
        moved = next(job for job in jobs if job.id == job_id)
        if before != job_id:
            jobs.remove(moved)
            at = next((index for index, job in enumerate(jobs) if job.id == before), len(jobs))
            jobs.insert(at, moved)
        # The same places, handed out anew: a job that comes in later is still the last one.
        for job, place in zip(jobs, places, strict=True):
            job.position = place
        return [JobView.of(job) for job in jobs]


def _waits(job: Job) -> Job:
    if job.status != QUEUED:
        raise WrongState(f"Job {job.id} is {job.status}: it does not wait any more.", "Reload the page.")
    return job
