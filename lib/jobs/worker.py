"""The worker: takes jobs from the database, starts each in a process of its own, cleans up after dead ones.

    python -m lib.jobs.worker [--until-idle]

It holds no state worth keeping: when it is killed its jobs go on, and the next worker finds them by pid and
create time. With a parent (the studio) it ends when that goes away; `--until-idle` ends with the last job.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
from sqlalchemy import delete, select

from lib.database import Job, Worker, session
from lib.database.models import FAILED, LIVE
from lib.errors import StorageError, StudioError
from lib.jobs import queue
from lib.jobs.launcher import Launcher, LocalLauncher
from lib.settings import ROOT, settings
from lib.storage import disk_errors

HEARTBEAT_SECONDS = 5.0
IDLE_ROUNDS = 4  # looks without any work before a worker that is to end when idle does
KILL_AFTER_SECONDS = 60.0  # a job that was asked to stop and has not: a long step or a long evaluation may need this


def run(until_idle: bool = False, launcher: Launcher | None = None) -> None:
    """Work until told to stop (SIGTERM, SIGINT), orphaned, or, with `until_idle`, out of jobs."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    me, parent = psutil.Process(), os.getppid()
    launcher = launcher or LocalLauncher()
    beat = _register(me)
    idle_rounds = 0
    while not stop.wait(settings.worker_poll_seconds):
        if not until_idle and os.getppid() != parent:
            break
        try:
            beat = _heartbeat(me, beat)
            worked = _round(me, launcher)
        except StudioError as error:  # the disk is full, say: the jobs live on, so the worker must too
            print(f"worker: {error}", file=sys.stderr, flush=True)
            continue
        idle_rounds = 0 if worked or queue.live_jobs() else idle_rounds + 1
        if until_idle and idle_rounds >= IDLE_ROUNDS and leave(me):
            return
    _unregister(me)


def leave(me: psutil.Process) -> bool:
    """Unregister, unless a job has come in: in one transaction, so that none is left without a worker."""
    with session() as opened:
        if opened.scalar(select(Job.id).where(Job.status.in_(LIVE)).limit(1)) is not None:
            return False
        opened.execute(delete(Worker).where(Worker.host == queue.HOST, Worker.pid == me.pid))
        return True


_started: list[subprocess.Popen[bytes]] = []


def ensure() -> None:
    """Start a worker that ends when idle, unless one is alive on this machine, or on its way up."""
    if alive() or any(process.poll() is None for process in _started):
        return
    with disk_errors(settings.home):
        settings.home.mkdir(parents=True, exist_ok=True)
        _started[:] = [_start()]


def _start() -> subprocess.Popen[bytes]:
    with (settings.home / "worker.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "lib.jobs.worker", "--until-idle"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def alive() -> bool:
    """True when a worker on this machine lives."""
    with session() as opened:
        workers = list(opened.scalars(select(Worker).where(Worker.host == queue.HOST)))
    return any(queue.is_alive(worker.pid, worker.started) for worker in workers)


def _round(me: psutil.Process, launcher: Launcher) -> bool:
    """One look at everything. Returns whether a job was started."""
    for job_id, code in launcher.forget_ended().items():
        queue.never_began(job_id, str(launcher.logs(job_id)), killed=code < 0)
    queue.sweep()
    for job_id in queue.overdue(KILL_AFTER_SECONDS):
        launcher.stop(job_id)
    job = queue.claim(me)
    if job is None:
        return False
    try:
        launcher.submit(job.id)
    except OSError as error:  # no room for its log, too many processes: this job's fault to show, not the worker's end
        queue.end(job.id, FAILED, error=StorageError(f"The job cannot start: {error}.", "Check the disk.").to_dict())
    return True


def _register(me: psutil.Process) -> float:
    with session() as opened:
        for other in opened.scalars(select(Worker).where(Worker.host == queue.HOST)):
            if not queue.is_alive(other.pid, other.started):
                opened.delete(other)
        opened.add(Worker(host=queue.HOST, pid=me.pid, started=me.create_time(), heartbeat_at=time.time()))
    return time.time()


def _heartbeat(me: psutil.Process, last: float) -> float:
    if time.time() - last < HEARTBEAT_SECONDS:
        return last
    with session() as opened:
        worker = opened.scalar(select(Worker).where(Worker.host == queue.HOST, Worker.pid == me.pid))
        if worker:
            worker.heartbeat_at = time.time()
    return time.time()


def _unregister(me: psutil.Process) -> None:
    with session() as opened:
        opened.execute(delete(Worker).where(Worker.host == queue.HOST, Worker.pid == me.pid))


if __name__ == "__main__":
    run(until_idle="--until-idle" in sys.argv[1:])
