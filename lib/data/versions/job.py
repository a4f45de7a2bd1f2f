"""The job `save`: a version is saved while people go on working."""

from __future__ import annotations

from typing import Any

from lib.data import datasets
from lib.data.versions import save
from lib.errors import Stopped
from lib.jobs.context import JobContext


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Save the working copy of `dataset` with `message` as `user`; returns `{"dataset", "version", "rows"}`."""

    def progress(done: int, total: int | None) -> None:
        if job.stopping:
            raise Stopped("The saving was stopped.", "Nothing was saved, and no edit is lost; start it again.")
        job.progress(done, total, "saving rows")

    saved = save(datasets.get(payload["dataset"]), payload["message"], payload["user"], progress)
    return {"dataset": saved.ref, "version": saved.version, "rows": saved.rows}
