"""The job `measure`: lengths and language, or tokens, of a working copy's rows, when a screen first needs them."""

from __future__ import annotations

from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.edits import open_copy
from lib.data.measures.files import What, stale
from lib.data.measures.measure import measure
from lib.database.models import FINISHED
from lib.errors import BadInput
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter
from lib.jobs.queue import JobView

KIND = "measure"


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Measure `what` ("texts", or "tokens" of `model`) in `dataset`; returns the rows that were measured.

    Raises:
        Stopped: on request; an earlier file stays as it is.
        BadInput: nothing that can be measured.
    """
    what, model = payload["what"], payload.get("model", "")
    if what not in ("texts", "tokens"):
        raise BadInput(f"{what!r} cannot be measured.", "Ask for texts or tokens.")
    doing = "counting tokens" if what == "tokens" else "measuring texts"
    told = reporter(job, doing, "Measuring was stopped.", "Nothing of it was stored; start it again.")
    rows = 0

    def progress(done: int, total: int | None) -> None:
        nonlocal rows
        rows = done
        told(done, total)

    job.progress(0, None, "reading")
    measure(open_copy(datasets.get(payload["dataset"])), what, model, progress)
    return {"dataset": payload["dataset"], "what": what, "model": model, "rows": rows}


def ensure(info: DatasetInfo, what: What, model: str = "", user: str = "") -> int | None:
    """The job that measures what is missing or stale, submitted unless it is live; None when nothing is to be done.

    A job that failed or was stopped is not submitted again before the rows change.

    Raises:
        NotFound, ModelError: see `fingerprint`.
    """
    copy = open_copy(info)
    if not stale(copy, what, model):
        return None
    payload = {"dataset": info.ref, "what": what, "model": model, "seq": copy.seq}
    last = newest_job(info, what, model)
    if last and last.live:
        return last.id
    if last and last.status != FINISHED and last.payload["seq"] == copy.seq:
        return None
    return queue.submit(KIND, payload, user)


def newest_job(info: DatasetInfo, what: What, model: str = "") -> JobView | None:
    """The last job that measured this, live or ended."""
    return queue.newest(KIND, dataset=info.ref, what=what, model=model)
