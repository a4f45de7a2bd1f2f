"""The job `lint`: all rows of a working copy, with one template, tokenizer and length."""

from __future__ import annotations

from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.edits import open_copy
from lib.data.lint.results import stale
from lib.data.lint.run import lint
from lib.data.lint.settings import LintSettings
from lib.database.models import FINISHED
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter
from lib.jobs.queue import JobView

KIND = "lint"


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Lint `dataset` with the settings in the payload; returns counts.

    Raises:
        Stopped: on request; an earlier file stays as it is.
        NotFound, ModelError, BadInput, StorageError: see `lint`.
    """
    job.progress(0, None, "reading")
    progress = reporter(job, "looking at rows", "The lint was stopped.", "Nothing of it was stored; start it again.")
    settings = LintSettings.from_dict(payload)
    found = lint(open_copy(datasets.get(payload["dataset"])), settings, progress)
    return {key: found[key] for key in ("data", "seq", "settings", "rows", "flagged", "left_out")}


def ensure(info: DatasetInfo, settings: LintSettings, user: str = "") -> int | None:
    """The job that looks at the rows when findings are missing or stale, submitted unless it is live; else None.

    A job that failed or was stopped is not submitted again before rows, template or model change; see `start`.

    Raises:
        NotFound, ModelError: no such template or model, or one that cannot be used.
    """
    copy = open_copy(info)
    if not stale(copy, settings):
        return None
    last = newest_job(info, settings)
    if last and last.live:
        return last.id
    if last and last.status != FINISHED and _looked_at(last.payload) == (copy.seq, settings.fingerprint()):
        return None
    return start(info, settings, user)


def start(info: DatasetInfo, settings: LintSettings, user: str = "") -> int:
    """Submit the job, fresh findings or not."""
    now = {"seq": open_copy(info).seq, "fingerprint": settings.fingerprint()}
    return queue.submit(KIND, {"dataset": info.ref, **settings.to_dict(), **now}, user)


def _looked_at(payload: dict[str, Any]) -> tuple[Any, Any]:
    return payload.get("seq"), payload.get("fingerprint")


def newest_job(info: DatasetInfo, settings: LintSettings) -> JobView | None:
    """The last lint of this version with these settings, live or ended."""
    return queue.newest(KIND, dataset=info.ref, **settings.to_dict())
