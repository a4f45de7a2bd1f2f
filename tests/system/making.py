"""Jobs in the states that workers would have left them in, and files of exports."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import psutil

from lib.database import Job, session
from lib.jobs import queue
from lib.storage import exports_dir, uploads_dir


def set_job(job_id: int, **values: Any) -> None:
    with session() as opened:
        job = opened.get_one(Job, job_id)
        for key, value in values.items():
            setattr(job, key, value)


def started(job_id: int, seconds: float = 60.0, **values: Any) -> None:
    """A job that has been running for so long in this process."""
    me, now = psutil.Process(), time.time()
    whose = {"pid": me.pid, "pid_started": me.create_time(), "worker_pid": me.pid, "worker_started": me.create_time()}
    times = {"started_at": now - seconds, "heartbeat_at": now}
    set_job(job_id, status="running", host=queue.HOST, **whose, **times, **values)


def exported(job_id: int, size: int = 4000) -> Path:
    """What an export left behind."""
    folder = exports_dir() / str(job_id)
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_bytes(b"x" * size)
    return folder


def uploaded(name: str, days: float, size: int = 1000) -> Path:
    """An upload of some days ago."""
    file = uploads_dir() / name / "rows.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * size)
    then = time.time() - days * 86_400
    for path in (file, file.parent):
        os.utime(path, (then, then))
    return file
