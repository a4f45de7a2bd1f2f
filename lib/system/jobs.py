"""Live jobs with their processes, in the order of their turn; those that failed; the end of a log."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psutil
from sqlalchemy import select

from lib.database import Comparison, Job, Run, session
from lib.database.models import FAILED, INTERRUPTED, RUNNING
from lib.jobs import queue
from lib.jobs.context import log_path
from lib.jobs.view import JobView
from lib.system.titles import Title, title
from lib.words import moment

LANES = {
    "compute": "Training, comparisons and packages: one at a time on each device.",
    "engine": "Answers to questions that people ask on the pages.",
    "light": "Imports, checks, exports and downloads: as many as there are.",
}
"""Each lane with what runs there."""
TAIL_BYTES = 32_000


@dataclass(frozen=True)
class LiveJob:
    """A job that waits or runs. `pid`, `host`: of its process; `memory`: bytes that it holds, 0 when unknown."""

    view: JobView
    title: Title
    host: str = ""
    pid: int = 0
    worker_pid: int = 0
    memory: int = 0

    @property
    def id(self) -> int:
        return self.view.id

    @property
    def running(self) -> bool:
        return self.view.status == RUNNING

    def to_dict(self) -> dict[str, Any]:
        view = self.view
        return {
            "job": view.id,
            "kind": view.kind,
            "title": self.title.text,
            "status": "stopping" if view.stopping else view.status,
            "lane": view.lane,
            "created_by": view.created_by,
            "created_at": moment(view.created_at),
            "seconds": round(view.seconds, 1),
            "pid": self.pid or None,
            "memory": self.memory or None,
            "progress": view.progress,
        }


@dataclass(frozen=True)
class EndedJob:
    """One that failed or was interrupted."""

    view: JobView
    title: Title

    def to_dict(self) -> dict[str, Any]:
        view = self.view
        return {
            "job": view.id,
            "kind": view.kind,
            "title": self.title.text,
            "status": view.status,
            "finished_at": moment(view.finished_at),
            "error": view.error,
        }


def running() -> list[LiveJob]:
    """Jobs whose processes run, oldest first."""
    with session() as opened:
        rows = list(opened.scalars(select(Job).where(Job.status == RUNNING).order_by(Job.started_at, Job.id)))
    return [
        LiveJob(view := JobView.of(row), title(view), row.host or "", row.pid or 0, row.worker_pid or 0, _memory(row))
        for row in rows
    ]


def waiting() -> list[LiveJob]:
    """Jobs that wait, lane by lane, each in the order of their turn."""
    views = queue.waiting()
    lanes = [*LANES, *sorted({view.lane for view in views} - set(LANES))]
    return [LiveJob(view, title(view)) for lane in lanes for view in views if view.lane == lane]


def failed(limit: int = 8) -> list[EndedJob]:
    """The last jobs that failed or were interrupted, newest first; not those that were taken up again."""
    query = select(Job).where(Job.status.in_((FAILED, INTERRUPTED))).order_by(Job.finished_at.desc(), Job.id.desc())
    with session() as opened:
        newest = {*opened.scalars(select(Run.job_id)), *opened.scalars(select(Comparison.job_id))}
        open_still = (
            JobView.of(row)
            for row in opened.scalars(query).yield_per(100)
            if row.id in newest or not {"run", "comparison"} & row.payload.keys()
        )
        return [EndedJob(view, title(view)) for view in islice(open_still, limit)]


def log_tail(job_id: int, lines: int = 60) -> str:
    """The last lines of what a job's process printed; only the end of the file is read.

    Raises:
        NotFound: no job of that number.
    """
    try:
        with log_path(job_id).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL_BYTES, 0))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _memory(job: Job) -> int:
    """Bytes that the processes of a job on this machine hold; pages that they share count for each."""
    if job.host != queue.HOST or not job.pid:
        return 0
    try:
        leader = psutil.Process(job.pid)
        return sum(_resident([leader, *leader.children(recursive=True)]))
    except psutil.Error:
        return 0


def _resident(processes: Iterable[psutil.Process]) -> Iterable[int]:
    for process in processes:
        try:
            yield process.memory_info().rss
        except psutil.Error:
            continue
