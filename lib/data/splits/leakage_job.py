"""Leaked rows between two sides, each `name@version:split` or a whole `name@version`, as a job and as a command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lib.data import datasets
from lib.data.edits.conversations import conversations
from lib.data.splits.hashed import SPLITS
from lib.data.splits.leakage import LeakageReport, report
from lib.data.versions.review import present
from lib.errors import BadInput
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter
from lib.jobs.queue import JobView
from lib.progress import Progress
from lib.records import Conversation

KIND = "leakage"


def compare(left: str, right: str, threshold: float = 0.8, progress: Progress | None = None) -> LeakageReport:
    """Rows of `right` that rows of `left` give away; unsaved edits count.

    Raises:
        NotFound: no such dataset or version.
        BadInput: no such split, the same side twice, or a threshold out of range.
    """
    if _side(left) == _side(right):
        raise BadInput("Both sides are the same rows.", "Choose two splits, or two datasets.")
    total = sum(_count(side) for side in (left, right))
    told = (lambda done, _: progress(done, total)) if progress else None
    return report(_rows(left), _rows(right), threshold, told)


def _parts(side: str) -> tuple[str, str | None]:
    ref, _, split = side.partition(":")
    if split and split not in SPLITS:
        raise BadInput(f"There is no split {split!r}.", f"Write name:split, with one of: {', '.join(SPLITS)}.")
    return ref, split or None


def _side(side: str) -> tuple[str, str | None]:
    ref, split = _parts(side)
    return datasets.get(ref).ref, split


def _rows(side: str) -> Iterator[tuple[int, Conversation]]:
    ref, split = _parts(side)
    return conversations(present(datasets.get(ref)), split)


def _count(side: str) -> int:
    ref, split = _parts(side)
    info = datasets.get(ref)
    return info.splits.get(split, 0) if split else info.rows


def submit(left: str, right: str, near: float, user: str) -> int:
    """Start the job and return its id; see `compare`."""
    return queue.submit(KIND, {"left": left, "right": right, "near": near}, user)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """The job `leakage`: `left`, `right`, `near`; returns counts, shares and examples."""
    progress = reporter(job, "reading rows", "The comparison was stopped.", "Start it again.")
    found = compare(payload["left"], payload["right"], payload["near"], progress).to_dict()
    return {key: value for key, value in found.items() if key not in ("left", "right")}


def newest_job(left: str, right: str, near: float) -> JobView | None:
    """The last comparison of these sides, live or ended."""
    return queue.newest(KIND, left=left, right=right, near=near)
