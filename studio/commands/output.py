"""How commands speak: results on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, NoReturn

import typer

from lib.errors import BadInput, StudioError, WrongState
from lib.jobs import queue, worker
from lib.jobs.queue import JobView
from lib.progress import Progress
from lib.settings import settings
from lib.words import duration

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def emit(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False))


STOPPED_STATUS = 130
"""Exit status of a command whose job was stopped, as shells give it for Ctrl-C."""


def say(text: str) -> None:
    """A line for the person, on standard error."""
    print(text, file=sys.stderr, flush=True)


def say_if_empty(found: Sequence[Any], thing: str) -> None:
    """A list that is empty says where it looked: a slip in STUDIO_HOME looks like a new studio."""
    if not found:
        say(f"There is no {thing} yet in {settings.home}.")


def progress(words: str, expected: int | None = None) -> Progress:
    """A function that says how far work is, such as "1,024 of 15,049 rows checked"; the same line only once.

    `expected` stands for the number of all where that is not told.
    """
    last = ""

    def told(done: int, total: int | None) -> None:
        nonlocal last
        total = total or expected
        line = f"{done:,} of {total:,} {words}" if total else f"{done:,} {words}"
        if line != last:
            say(line)
        last = line

    return told


class JobFailed(StudioError):
    """What a job has failed with, as it was stored with it: `error` has its kind and what it suggests."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"], error.get("hint", ""))
        self.error = error

    def to_dict(self) -> dict[str, Any]:
        return self.error


def fail(error: StudioError, as_json: bool) -> NoReturn:
    """Print what happened and what to do, and end with exit status 1."""
    if as_json:
        emit(error.to_dict())
    say(f"Error: {error.message}")
    if error.hint:
        say(error.hint)
    raise SystemExit(1)


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Columns of text, as wide as their widest cell."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[index]) for line in [list(headings), *cells]) for index in range(len(headings))]
    for line in [list(headings), *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def splits_line(splits: dict[str, int]) -> str:
    """`train 54, test 6`."""
    return ", ".join(f"{split} {rows:,}" for split, rows in splits.items() if rows)


def pairs(options: list[str], what: str) -> dict[str, str]:
    """`["key=value", …]` as a dict.

    Raises:
        BadInput: an entry without `=`.
    """
    for option in options:
        if "=" not in option:
            raise BadInput(f"{option!r} is not of the form {what}.", f"Write {what}.")
    return {key.strip(): value.strip() for key, value in (option.split("=", 1) for option in options)}


def follow(job_id: int) -> JobView:
    """Show a job's progress until it ends. Ctrl-C asks it to stop and keeps what it has.

    Raises:
        JobFailed: with what the job did.
    """
    shown = ""
    with _ctrl_c() as pressed:
        while (job := queue.get(job_id)).live:
            worker.ensure()
            line = progress_line(job)
            if line != shown:
                say(line)
                shown = line
            time.sleep(0.5)
            if pressed:
                pressed.clear()
                say("stopping; what is there is kept …")
                with contextlib.suppress(WrongState):  # it has ended in between
                    queue.stop(job_id)
    if job.status in ("failed", "interrupted") and job.error:
        raise JobFailed(job.error)
    return job


@contextlib.contextmanager
def _ctrl_c() -> Iterator[list[int]]:
    """Filled by Ctrl-C. As an exception it may come where a library passes over all of them, and is lost.

    A plain list: the lock of an Event, set while this very thread waits for it, would never be free.
    """
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def progress_line(job: JobView) -> str:
    """What a job is doing, in one line: state, how far, rate and time left."""
    if job.status == "queued":
        return "waiting for its turn"
    progress = job.progress
    parts = [progress.get("text") or "starting"]
    if progress.get("total"):
        parts.append(f"{progress['done']:,.0f} of {progress['total']:,.0f}")
    if "loss" in progress:
        parts.append(f"loss {progress['loss']:.3f}")
    if "tokens_per_second" in progress:
        parts.append(f"{progress['tokens_per_second']:.0f} tok/s")
    if progress.get("seconds_left") is not None:
        parts.append(f"{duration(progress['seconds_left'])} left")
    return " · ".join(parts)
