"""The job `download`: a model from the Hub. Stopped or killed, the next one goes on with what has come."""

from __future__ import annotations

import time
from typing import Any

from lib.database import note
from lib.jobs import queue
from lib.jobs.context import JobContext
from lib.jobs.queue import JobView
from lib.models.download import download
from lib.models.ids import HubId

KIND = "download"


def submit(name: str, user: str) -> int:
    """Start the download of a Hub id and return the job's id; that of a live one when there is one.

    Raises:
        BadInput: not an id.
    """
    asked = str(HubId.parse(name))
    live = next((job for job in queue.live_jobs(KIND) if job.payload["model"] == asked), None)
    if live:
        return live.id
    note(user, f"fetches the model {asked}")
    return queue.submit(KIND, {"model": asked}, user)


def newest_job(name: str) -> JobView | None:
    """The last download of a Hub id, live or ended."""
    return queue.newest(KIND, model=str(HubId.parse(name)))


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Returns the model (the shape of `ModelInfo.to_dict`) and the `seconds` it took.

    Raises:
        Stopped: on request; what has come is kept.
        StudioError: see `look`, `HubModel.check` and `download`.
    """
    began = time.monotonic()
    return {**download(payload["model"], job).to_dict(), "seconds": round(time.monotonic() - began, 1)}
