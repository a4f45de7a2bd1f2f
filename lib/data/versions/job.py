"""The job `save`: a version is saved while people go on working."""

from __future__ import annotations

from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.versions import save
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter

KIND = "save"


def submit(info: DatasetInfo, message: str, user: str) -> int:
    """Start the job and return its id; see `save`."""
    return queue.submit(KIND, {"dataset": info.ref, "message": message, "user": user}, user)


def live_job(info: DatasetInfo) -> int | None:
    """The job that saves this version now, whoever asked for it."""
    return next((job.id for job in queue.live_jobs(KIND) if job.payload["dataset"] == info.ref), None)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Save the working copy of `dataset` with `message` as `user`; returns `{"dataset", "version", "rows"}`."""
    progress = reporter(
        job, "saving rows", "The saving was stopped.", "Nothing was saved, and no edit is lost; start it again."
    )
    saved = save(datasets.get(payload["dataset"]), payload["message"], payload["user"], progress)
    return {"dataset": saved.ref, "version": saved.version, "rows": saved.rows}
