"""Workers and jobs in real processes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.jobs import queue
from tests.helpers import python
from tests.jobs import handlers

StartWorker = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, entry in handlers.KINDS.items():
        monkeypatch.setitem(queue.KINDS, kind, entry)


@pytest.fixture
def start_worker(home: Path, no_process_left: None) -> Iterator[StartWorker]:
    """Start a worker that runs test jobs; `module` is what a job's process runs."""
    started = []

    def start(*flags: str, module: str = "tests.jobs.job_process") -> subprocess.Popen[str]:
        home.mkdir(exist_ok=True)
        with (home / "worker.log").open("a") as log:
            worker = python("-m", "tests.jobs.worker_process", module, *flags, stdout=log, stderr=log)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.wait()
