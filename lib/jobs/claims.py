"""The atomic steps by which workers take jobs, and by which processes say that they live and how they ended.

Each exclusive lane runs one job on a device. A partial unique index in the database holds that, so that two workers
can never start a second one.
"""

from __future__ import annotations

import socket
import time
from typing import Any

import psutil
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from lib.database import Job, session
from lib.database.models import FAILED, INTERRUPTED, QUEUED, RUNNING, STOPPED
from lib.errors import WrongState
from lib.jobs import lanes, memory
from lib.jobs.processes import end_session, is_alive, serves
from lib.jobs.view import MACHINE, JobView, row

HOST = socket.gethostname()
PLACE = func.coalesce(Job.position, Job.id)
SILENT_SECONDS = 600.0  # a job of another machine that was not heard for so long is lost with it
BIRTH_SECONDS = 60.0  # a job that was taken has its process within that, also where Python starts slowly
AT_A_TIME = 5  # waiting jobs that a claim looks at


def claim(worker: psutil.Process) -> JobView | None:
    """Take the first waiting job that a device is free for, or None. Safe against any number of workers."""
    with session() as opened:
        free = _free(opened)
        full = [lane for lane, devices in free.items() if not devices]
        waiting = select(Job.id, Job.lane).where(Job.status == QUEUED, Job.lane.not_in(full)).order_by(PLACE, Job.id)
        candidates = list(opened.execute(waiting.limit(AT_A_TIME)))
    for job_id, lane in candidates:
        for device in free.get(lane, [0]):
            if take(job_id, worker, device):
                with session() as opened:
                    return JobView.of(row(opened, job_id))
    return None


def _free(opened: Any) -> dict[str, list[int]]:
    """Each exclusive lane with its devices that no job holds."""
    running = select(Job.lane, Job.device).where(Job.status == RUNNING, Job.lane != lanes.LIGHT)
    held = {(lane, device) for lane, device in opened.execute(running)}
    return {
        lane: [device for device in range(lanes.places(lane)) if (lane, device) not in held] for lane in lanes.EXCLUSIVE
    }


def take(job_id: int, worker: psutil.Process, device: int = 0) -> bool:
    """Make a waiting job this worker's; False when another worker has taken it, or the device, in between."""
    values = {
        "status": RUNNING,
        "host": HOST,
        "worker_pid": worker.pid,
        "worker_started": worker.create_time(),
        "started_at": time.time(),
        "heartbeat_at": time.time(),
        "device": device,
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
    started = me.create_time()
    with session() as opened:
        values = {"pid": me.pid, "pid_started": started, "heartbeat_at": time.time()}
        mine = update(Job).where(Job.id == job_id, Job.status == RUNNING, Job.pid.is_(None)).values(values)
        found = row(opened, job_id)
        if opened.execute(mine).rowcount != 1:  # type: ignore[attr-defined]
            return None
        return found


def pulse(job_id: int, progress: dict[str, Any]) -> bool:
    """Called every second by the job's process: heartbeat and progress in, True back when it should stop.

    Raises:
        WrongState: the job has been ended, or given to another process.
    """
    with session() as opened:
        job = row(opened, job_id)
        if job.status != RUNNING or job.pid not in (None, psutil.Process().pid):
            raise WrongState(
                f"Job {job_id} is not this process's any more.", "Another process has it, or it was ended."
            )
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
        job = row(opened, job_id)
        if job.status != RUNNING:
            return
        job.status, job.result, job.error, job.finished_at = status, result, error, time.time()
        if progress is not None:
            job.progress = progress


def sweep() -> list[int]:
    """Mark the running jobs whose process is gone, and queue again those that never started.

    What a dead process left behind in its session is killed first: nothing must hold memory for a job that is over.

    Returns:
        The jobs whose process was found dead.
    """
    with session() as opened:
        running = list(opened.scalars(select(Job).where(Job.status == RUNNING)))
    mine = [job for job in running if job.host == HOST]
    dead = [job for job in mine if job.pid and not (is_alive(job.pid, job.pid_started) or serves(job.pid, job.id))]
    unborn = [job for job in mine if not job.pid and (_late(job) or not is_alive(job.worker_pid, job.worker_started))]
    silent = [job for job in running if job.host != HOST and time.time() - (job.heartbeat_at or 0) > SILENT_SECONDS]
    for job in dead:
        end_session(job.pid or 0)
    if dead or unborn or silent:
        _mark(dead, unborn, silent)
    return [job.id for job in dead]


def _late(job: Job) -> bool:
    """Its worker took it and could not start it, the database being away, say; a process that comes after all is
    refused where another has begun."""
    return time.time() - (job.heartbeat_at or 0) > BIRTH_SECONDS


def _mark(dead: list[Job], unborn: list[Job], silent: list[Job]) -> None:
    """Write what `sweep` saw, of jobs that are still as they were then."""
    with session() as opened:
        for seen in [*dead, *unborn, *silent]:
            job = row(opened, seen.id)
            if (job.status, job.pid, job.worker_pid, job.heartbeat_at) != (
                RUNNING,
                seen.pid,
                seen.worker_pid,
                seen.heartbeat_at,
            ):
                continue
            if seen in unborn:
                job.status, job.started_at = QUEUED, None
            else:
                close_dead(job)


def close_dead(job: Job) -> None:
    """Set the final state of a job whose process ended without writing one."""
    job.finished_at = job.heartbeat_at or time.time()
    if job.stop_requested_at:
        job.status = STOPPED
        return
    job.status = INTERRUPTED
    readings = (job.progress or {}).get(MACHINE)
    if readings and memory.ran_out(readings["first"], readings["last"], memory.oom_kills()):
        job.error = memory.named("The system ended the process")
        return
    job.error = {
        "error": "Interrupted",
        "message": "The process ended without a word: it was killed, or the machine went down.",
        "hint": "If memory ran out, choose a smaller batch or shorter rows; then resume or start it again.",
    }


def never_began(job_id: int, log: str, killed: bool = False) -> None:
    """Close a job whose process ended before it could say anything; nothing is done to one that has begun.

    Args:
        killed: by a signal; otherwise the installation is broken, say.
    """
    with session() as opened:
        job = row(opened, job_id)
        if job.status != RUNNING or job.pid:
            return
        if killed:
            close_dead(job)
            return
        job.status, job.finished_at = FAILED, time.time()
        job.error = {
            "error": "Unexpected",
            "message": "The job's process could not start.",
            "hint": f"Its log: {log}",
        }


def process_of(job_id: int) -> tuple[int | None, float | None]:
    """Pid and create time of a job's process; None while it has none."""
    with session() as opened:
        job = row(opened, job_id)
        return job.pid, job.pid_started


def overdue(seconds: float) -> list[int]:
    """Running jobs of this host that were asked to stop more than `seconds` ago."""
    asked_before = time.time() - seconds
    query = select(Job.id).where(Job.status == RUNNING, Job.host == HOST, Job.stop_requested_at < asked_before)
    with session() as opened:
        return list(opened.scalars(query))
