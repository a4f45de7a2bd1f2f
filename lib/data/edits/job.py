"""The job `bulk`: something done to all rows that match a query, when they are too many to wait for."""

from __future__ import annotations

from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.edits.bulk import change_all
from lib.data.edits.operations import Operation
from lib.data.filters import Query
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter

KIND = "bulk"


def submit(info: DatasetInfo, query: Query, operation: Operation, user: str) -> int:
    """Start the job and return its id; see `change_all`."""
    payload = {"dataset": info.ref, "query": query.to_dict(), "operation": operation.to_dict(), "user": user}
    return queue.submit(KIND, payload, user)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Change all rows that match; stopped, it leaves all as it was. Returns the entry's number and how many rows.

    Raises:
        Stopped: on request.
        NotFound, BadInput, WrongState: no such dataset; see `change_all`.
    """
    progress = reporter(job, "changing rows", "The change was stopped.", "No row was changed; start it again.")
    info = datasets.get(payload["dataset"])
    query, operation = Query.from_dict(payload["query"]), Operation.from_dict(payload["operation"])
    entry = change_all(info, query, operation, payload["user"], progress)
    return {
        "rows": entry.rows if entry else 0,
        "seq": entry.seq if entry else None,
        "kept": list(entry.kept) if entry else [],
        "kept_count": entry.kept_count if entry else 0,
    }
