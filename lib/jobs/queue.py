"""The job queue: submit, look, stop, and the atomic steps by which workers take jobs.

Lanes: `compute` (training, comparisons) and `engine` run one job at a time; `light` (imports) has no limit.
A partial unique index in the database holds that, so two workers can never start a second one.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any

import psutil
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from lib.database import Job, session
from lib.database.models import FAILED, INTERRUPTED, LIVE, QUEUED, RUNNING, STOPPED
from lib.errors import NotFound, WrongState

HOST = socket.gethostname()
RECENT = 200  # jobs that `newest` looks through

# kind -> (lane, "module:function"); the function takes (payload, JobContext) and returns a JSON result.
# Named as text, so that the web process and the worker import none of them.
KINDS: dict[str, tuple[str, str]] = {
    "import": ("light", "lib.data.imports.job:run_job"),
    "bulk": ("light", "lib.data.edits.bulk:run_job"),
    "check": ("light", "lib.data.checks.results:run_job"),
    "split": ("light", "lib.data.splits.job:run_job"),
    "leakage": ("light", "lib.data.splits.leakage_job:run_job"),
    "measure": ("light", "lib.data.measures.job:run_job"),
    "lint": ("light", "lib.data.lint.job:run_job"),
    "save": ("light", "lib.data.versions.job:run_job"),
    "export": ("light", "lib.export.job:run_job"),
    "round trip": ("light", "lib.data.round_trip:run_job"),
    "train": ("compute", "lib.training.trainer:run_job"),
    "compare": ("compute", "lib.evaluation.comparer:run_job"),
    "engine": ("engine", "lib.inference.engine:run_job"),
}


@dataclass(frozen=True)
class JobView:
    """What screens and commands see of a job. Times are seconds since 1970."""

    id: int
    kind: str
    status: str
    payload: dict[str, Any]
    created_at: float
    created_by: str
    started_at: float | None
    finished_at: float | None
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    stopping: bool

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def seconds(self) -> float:
        """Time spent running so far."""
        return ((self.finished_at or time.time()) - self.started_at) if self.started_at else 0.0

    @classmethod
    def of(cls, job: Job) -> JobView:
        return cls(
            id=job.id,
            kind=job.kind,
            status=job.status,
            payload=job.payload,
            created_at=job.created_at,
            created_by=job.created_by,
            started_at=job.started_at,
            finished_at=job.finished_at,
            progress=job.progress or {},
            result=job.result,
            error=job.error,
            stopping=job.stop_requested_at is not None and job.status in LIVE,
        )


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
        return JobView.of(_row(opened, job_id))


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


def stop(job_id: int) -> JobView:
    """Ask a job to stop: a queued one is stopped at once, a running one keeps what it has and ends.

    Raises:
        WrongState: the job has ended already.
    """
    with session() as opened:
        job = _row(opened, job_id)
        if job.status not in LIVE:
            raise WrongState(f"Job {job_id} is {job.status} already.", "There is nothing to stop.")
        if job.status == QUEUED:
            job.status, job.finished_at = STOPPED, time.time()
        else:
            job.stop_requested_at = job.stop_requested_at or time.time()
        return JobView.of(job)


def claim(worker: psutil.Process) -> JobView | None:
    """Take the oldest queued job whose lane is free, or None. Safe against any number of workers."""
    with session() as opened:
        busy = select(Job.lane).where(Job.status == RUNNING, Job.lane != "light")
        waiting = select(Job.id).where(Job.status == QUEUED, Job.lane.not_in(busy)).order_by(Job.id)
        candidates = list(opened.scalars(waiting.limit(5)))
    for job_id in candidates:
        if _take(job_id, worker):
            return get(job_id)
    return None


def _take(job_id: int, worker: psutil.Process) -> bool:
    values = {
        "status": RUNNING,
        "host": HOST,
        "worker_pid": worker.pid,
        "worker_started": worker.create_time(),
        "started_at": time.time(),
        "heartbeat_at": time.time(),
    }
    try:
        with session() as opened:
            result = opened.execute(update(Job).where(Job.id == job_id, Job.status == QUEUED).values(values))
            return result.rowcount == 1  # type: ignore[attr-defined]
    except IntegrityError:  # another worker filled the lane in between
        return False


def begin(job_id: int) -> Job | None:
    """Called by the job's own process: write down its pid. None when the job is not (or no longer) its to run."""
    me = psutil.Process()
    with session() as opened:
        job = _row(opened, job_id)
        if job.status != RUNNING or job.pid is not None:
            return None
        job.pid, job.pid_started, job.heartbeat_at = me.pid, me.create_time(), time.time()
        return job


def pulse(job_id: int, progress: dict[str, Any]) -> bool:
    """Called every second by the job's process: heartbeat and progress in, True back when it should stop."""
    with session() as opened:
        job = _row(opened, job_id)
        job.heartbeat_at, job.progress = time.time(), progress
        return job.stop_requested_at is not None


def end(
    job_id: int,
    status: str,
    result: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
    progress: dict[str, Any] | None = None,
) -> None:
    """Write a running job's last state; a job that has ended already stays as it is."""
    with session() as opened:
        job = _row(opened, job_id)
        if job.status != RUNNING:
            return
        job.status, job.result, job.error, job.finished_at = status, result, error, time.time()
        if progress is not None:
            job.progress = progress


def sweep() -> None:
    """Mark this host's running jobs whose process is gone, and queue again those that never started."""
    with session() as opened:
        running = list(opened.scalars(select(Job).where(Job.status == RUNNING, Job.host == HOST)))
        gone = [job for job in running if job.pid and not is_alive(job.pid, job.pid_started)]
        unborn = [job for job in running if not job.pid and not is_alive(job.worker_pid, job.worker_started)]
        for job in unborn:
            job.status, job.started_at = QUEUED, None
        for job in gone:
            close_dead(job)


def close_dead(job: Job) -> None:
    """Set the final state of a job whose process ended without writing one."""
    job.finished_at = job.heartbeat_at or time.time()
    if job.stop_requested_at:
        job.status = STOPPED
        return
    job.status = INTERRUPTED
    job.error = {
        "error": "Interrupted",
        "message": "The process ended without a word: it was killed, or the machine went down.",
        "hint": "If memory ran out, choose a smaller batch or shorter rows; then start it again.",
    }


def never_started(job_id: int, log: str) -> None:
    """The job's process ended before it could say anything (a broken installation, say)."""
    end(
        job_id,
        FAILED,
        error={"error": "Unexpected", "message": "The job's process could not start.", "hint": f"Its log: {log}"},
    )


def process_of(job_id: int) -> tuple[int | None, float | None]:
    """Pid and create time of a job's process; None while it has none."""
    with session() as opened:
        job = _row(opened, job_id)
        return job.pid, job.pid_started


def overdue(seconds: float) -> list[int]:
    """Running jobs of this host that were asked to stop more than `seconds` ago."""
    asked_before = time.time() - seconds
    query = select(Job.id).where(Job.status == RUNNING, Job.host == HOST, Job.stop_requested_at < asked_before)
    with session() as opened:
        return list(opened.scalars(query))


def is_alive(pid: int | None, started: float | None) -> bool:
    """True when a process of that pid and create time lives (pids are used again by the system)."""
    if not pid:
        return False
    try:
        process = psutil.Process(pid)
        same = started is None or abs(process.create_time() - started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _row(opened: Any, job_id: int) -> Job:
    job = opened.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.", "The System page lists the jobs.")
    return job
