"""The job `check`: all rows of a dataset version with its unsaved edits."""

from __future__ import annotations

from typing import Any

from lib.data import datasets
from lib.data.checks.results import check, settings_of
from lib.data.datasets import DatasetInfo
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter
from lib.jobs.queue import JobView

KIND = "check"


def submit(info: DatasetInfo, settings: dict[str, Any], user: str) -> int:
    """Start the job and return its id. Settings: `near`, `template`, `model`, `max_length`, `checks`; all optional."""
    return queue.submit(KIND, {"dataset": info.ref, **settings}, user)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Check the dataset and keep what is found; returns the summary.

    Raises:
        Stopped: on request.
        NotFound, StorageError: see `settings_of` and `keep`.
    """
    progress = reporter(job, "checking rows", "The check was stopped.", "Start it again; earlier findings are kept.")
    info = datasets.get(payload["dataset"])
    settings = settings_of(
        payload.get("template"),
        payload.get("model"),
        payload.get("max_length"),
        payload.get("near", 0.8),
        frozenset(payload["checks"]) if payload.get("checks") else None,
    )
    return check(info, settings, progress).to_dict()


def newest_job(info: DatasetInfo) -> JobView | None:
    """The last check of this version that was asked for, live or ended."""
    return queue.newest(KIND, dataset=info.ref)
