"""The job `split`: rows dealt anew by a rule."""

from __future__ import annotations

from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.splits.dealing import split
from lib.data.splits.rules import SplitRule
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter
from lib.jobs.queue import JobView

KIND = "split"


def submit(info: DatasetInfo, rule: SplitRule, user: str) -> int:
    """Start the job and return its id; see `split`."""
    return queue.submit(KIND, {"dataset": info.ref, "rule": rule.to_dict(), "user": user}, user)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Deal the rows; returns what came out of it (see `Assigned`) and how many rows changed sides.

    Raises:
        Stopped: on request.
        NotFound, BadInput, WrongState: no such dataset; see `split`.
    """
    progress = reporter(job, "reading rows", "The split was stopped.", "No row was moved; start it again.")
    rule = SplitRule.from_dict(payload["rule"])
    assigned, entry = split(datasets.get(payload["dataset"]), rule, payload["user"], progress)
    return {**assigned.to_dict(), "changed": entry.rows if entry else 0}


def newest_job(info: DatasetInfo) -> JobView | None:
    """The last split of this version that was asked for, live or ended."""
    return queue.newest(KIND, dataset=info.ref)
