"""The processes that take jobs: whether each lives, and what it has started."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil
from sqlalchemy import select

from lib.database import Worker, session
from lib.jobs import queue
from lib.jobs.worker import HEARTBEAT_SECONDS
from lib.system.jobs import LiveJob
from lib.words import moment

SILENT_BEATS = 6  # heartbeats of a worker on another machine that may be missing before it counts as gone


@dataclass(frozen=True)
class WorkerView:
    """One worker. `heard_at`: its last heartbeat; `jobs`: numbers of the running jobs that it started."""

    host: str
    pid: int
    started_at: float
    heard_at: float
    alive: bool
    jobs: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "pid": self.pid,
            "alive": self.alive,
            "started_at": moment(self.started_at),
            "heard_at": moment(self.heard_at),
            "jobs": list(self.jobs),
        }


def list_workers(running: Sequence[LiveJob] = ()) -> list[WorkerView]:
    """Workers that said they are there and have not said goodbye, the one that was heard last first."""
    with session() as opened:
        rows = list(opened.scalars(select(Worker).order_by(Worker.heartbeat_at.desc())))
    return [
        WorkerView(
            row.host,
            row.pid,
            row.started,
            row.heartbeat_at,
            _alive(row),
            tuple(job.id for job in running if (job.host, job.worker_pid) == (row.host, row.pid)),
        )
        for row in rows
    ]


def own_memory() -> int:
    """Bytes that this process holds: on a page, the web process."""
    return int(psutil.Process().memory_info().rss)


def _alive(row: Worker) -> bool:
    if row.host == queue.HOST:
        return queue.is_alive(row.pid, row.started)
    return time.time() - row.heartbeat_at < SILENT_BEATS * HEARTBEAT_SECONDS
