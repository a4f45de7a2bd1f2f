"""The job `round trip`: whether a template brings every row of a dataset back, before anybody trains with it."""

from __future__ import annotations

from typing import Any

from lib import models
from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.edits.conversations import conversations
from lib.data.versions import present
from lib.errors import Stopped
from lib.formats import get_template, load_tokenizer
from lib.formats.round_trip import round_trip
from lib.jobs import queue
from lib.jobs.context import JobContext
from lib.jobs.queue import JobView

KIND = "round trip"


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Write and read back every row of `dataset` with `template`; returns the counts (see `RoundTrip`).

    Raises:
        Stopped: on request.
        NotFound, ModelError: no such dataset, template or model.
    """
    info = datasets.get(payload["dataset"])
    model = payload.get("model")

    def progress(done: int) -> None:
        if job.stopping:
            raise Stopped("The check was stopped.", "Start it again; nothing was changed.")
        job.progress(done, max(info.rows, done), "writing and reading back")

    tokenizer = load_tokenizer(models.find(model).path) if model else None
    rows = conversations(present(info))
    found = round_trip(payload["template"], rows, tokenizer, escape=payload.get("escape", False), progress=progress)
    return found.to_dict()


def submit(info: DatasetInfo, template: str, model: str, escape: bool, user: str) -> int:
    """Start the job for one version of a template, named as `mine@2`."""
    payload = {"dataset": info.ref, "template": get_template(template).name, "model": model, "escape": escape}
    return queue.submit(KIND, payload, user)


def newest_job(info: DatasetInfo, template: str, model: str, escape: bool) -> JobView | None:
    """The last check of a dataset with this version of a template and this model's tokens."""
    return queue.newest(KIND, dataset=info.ref, template=get_template(template).name, model=model, escape=escape)
