"""What a job's function is given: a place to say how far it is, and a way to know that it should stop."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lib.errors import Stopped, WrongState
from lib.jobs import memory, queue
from lib.jobs.view import MACHINE
from lib.progress import Progress
from lib.storage import job_dir, run_dir

PULSE_SECONDS = 1.0


class JobContext:
    """Progress out, stop request in. A thread carries both to and from the database once a second."""

    def __init__(self, job_id: int) -> None:
        self.id = job_id
        self._progress: dict[str, Any] = {}
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._started, self._done = time.monotonic(), 0.0
        self._first = memory.reading()
        self._thread = threading.Thread(target=self._pulse, name="pulse", daemon=True)

    @property
    def stopping(self) -> bool:
        """True once somebody asked the job to stop; keep what is there and return soon."""
        return self._stop.is_set()

    @property
    def progress_now(self) -> dict[str, Any]:
        return dict(self._progress)

    def request_stop(self) -> None:
        self._stop.set()

    def progress(self, done: float, total: float | None = None, text: str = "", **more: Any) -> None:
        """Say how far the job is. Rate and time left follow from `done` since the last call that had none done.

        Args:
            done, total: in any unit, the same for both; total None when unknown.
            text: what is going on, for a person.
            more: figures to show beside it (loss, tokens per second …).
        """
        if done <= self._done or done < self._progress.get("done", 0.0):  # nothing yet, or something else begins
            self._started, self._done = time.monotonic(), float(done)
        elapsed = time.monotonic() - self._started
        rate = max(done - self._done, 0.0) / elapsed if elapsed > 0 else 0.0
        left = (total - done) / rate if total and rate else None
        self._progress = {
            "done": done,
            "total": total,
            "text": text,
            "rate": rate,
            "seconds_left": left,
            **more,
        }

    @contextlib.contextmanager
    def doing(self, text: str) -> Iterator[None]:
        """Name something else that goes on for a while; all figures stay as they are."""
        before = self._progress
        self._progress = {**before, "text": text}
        try:
            yield
        finally:
            self._progress = before

    def start_clock(self) -> None:
        """Count the rate from now on: set-up is over. What was said to be done by now took no time."""
        self._started, self._done = time.monotonic(), float(self._progress.get("done", 0.0))

    def __enter__(self) -> JobContext:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=10)

    def _pulse(self) -> None:
        while not self._ended.wait(PULSE_SECONDS):
            try:
                if queue.pulse(self.id, self.progress_now | {MACHINE: self._machine()}):
                    self._stop.set()
            except WrongState as error:  # somebody else may be at the same files by now
                print(f"pulse: {error}", flush=True)
                os._exit(1)
            except Exception as error:  # the job matters more than its heartbeat: a full disk may pass
                print(f"pulse: {error}", flush=True)

    def _machine(self) -> dict[str, Any]:
        """The memory when the job began and now: it tells what a killed job died of."""
        return {"first": self._first, "last": memory.reading()}


def reporter(job: JobContext, doing: str, stopped: str, hint: str) -> Progress:
    """What long work tells its progress to: it goes to the job, and ends the work once the job should stop.

    Args:
        doing: what goes on, for a person: `reading rows`.
        stopped, hint: what a person reads when it was stopped, and what is left of it.

    Raises (by the function that it returns):
        Stopped: somebody asked the job to stop.
    """

    def progress(done: int, total: int | None = None) -> None:
        if job.stopping:
            raise Stopped(stopped, hint)
        job.progress(done, total, doing)

    return progress


def log_path(job_id: int) -> Path:
    """Where the output of a job's process goes: a run's own folder, or `jobs/<id>`."""
    run = queue.get(job_id).payload.get("run")
    return (run_dir(run) if run else job_dir(job_id)) / "log.txt"
