"""What the jobs of these tests do; they run in real processes, started by the real worker."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from lib.errors import BadInput, Stopped
from lib.jobs import queue
from lib.jobs.context import JobContext

KINDS = {
    "light-test": ("light", "tests.jobs.handlers:run_job"),
    "compute-test": ("compute", "tests.jobs.handlers:run_job"),
    "lost-test": ("light", "tests.jobs.no_such_module:run_job"),
}


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Do what `payload["do"]` says. A line goes to `payload["mark"]` first, to count how often it was run."""
    if "mark" in payload:
        with Path(payload["mark"]).open("a") as file:
            file.write(f"{os.getpid()}\n")
    return ACTIONS[payload.get("do", "return")](payload, job)


def _return(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    job.progress(3, 4, "nearly there", loss=0.5)
    return {"answer": 42}


def _until(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Work until asked to stop, or until the file `payload["until"]` is there."""
    job.progress(1, None, "working")
    while not job.stopping and not Path(payload.get("until", "/nonexistent")).exists():
        time.sleep(0.02)
    return {"kept": True}


def _stopped_empty(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    _until(payload, job)
    raise Stopped("Nothing was kept.", "Start it again.")


def _deaf(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def _refuse(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    raise BadInput("The cup is empty.", "Fill it.")


def _crash(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    raise ZeroDivisionError("one by zero")


def _memory(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    raise MemoryError


def _system(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    Path("/dev/full").write_text("x")
    return {}


def _vanish(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    os._exit(3)


ACTIONS = {
    "return": _return,
    "until": _until,
    "stopped-empty": _stopped_empty,
    "deaf": _deaf,
    "refuse": _refuse,
    "crash": _crash,
    "memory": _memory,
    "system": _system,
    "vanish": _vanish,
}


def add_kinds() -> None:
    queue.KINDS.update(KINDS)
