"""New splits for the rows of a working copy, by a rule: one step of its journal, which undo takes back."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lib.data import datasets
from lib.data.columns import ROW_ID, SPLIT
from lib.data.datasets import DatasetInfo
from lib.data.edits import Entry, WorkingCopy, open_copy
from lib.data.edits.bulk import set_splits
from lib.data.edits.conversations import rows_with
from lib.data.edits.overlay import DELETED
from lib.data.splits.rules import Assigned, SplitRule, assign
from lib.errors import BadInput, Stopped
from lib.jobs.context import JobContext
from lib.jobs.queue import JobView, newest
from lib.words import Progress, shares


def split(
    info: DatasetInfo, rule: SplitRule, who: str, progress: Progress | None = None
) -> tuple[Assigned, Entry | None]:  # fmt: skip
    """Deal the rows; the entry is None where every row was in its split already.

    Raises:
        BadInput: the rule names a column that is not there.
        WrongState: the edits of this version were saved already, or others keep changing many rows.
    """
    copy = open_copy(info)
    wanted = [name for name in (rule.column, rule.together) if name]
    for name in wanted:
        if name not in {column.name for column in copy.columns}:
            raise BadInput(f"{info.ref} has no column {name!r}.", "Choose one of its columns.")
    told = (lambda done, _: progress(done, info.rows)) if progress else None
    assigned = assign(rows_with(copy, wanted), rule, told)
    ids, names = zip(*assigned.items(), strict=True) if len(assigned) else ((), ())
    table = pa.table({ROW_ID: pa.array(ids, pa.int64()), SPLIT: pa.array(names, pa.string())})
    what = f"split anew: {shares(assigned.shares())}"
    return assigned, set_splits(info, table, who, what, {"rule": rule.to_dict()})


def counts(copy: WorkingCopy) -> dict[str, int]:
    """Rows of each split as they are now, deleted ones left out."""
    with copy.connect() as connection:
        found = connection.execute(f"SELECT {SPLIT}, count(*) FROM rows WHERE NOT {DELETED} GROUP BY ALL").fetchall()
    return dict(found)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """The job `split`: `dataset`, `rule` and `user`; returns what came out of it."""

    def progress(done: int, total: int | None) -> None:
        if job.stopping:
            raise Stopped("The split was stopped.", "No row was moved; start it again.")
        job.progress(done, total, "reading rows")

    rule = SplitRule.from_dict(payload["rule"])
    assigned, entry = split(datasets.get(payload["dataset"]), rule, payload["user"], progress)
    return {**assigned.to_dict(), "changed": entry.rows if entry else 0}


def newest_job(info: DatasetInfo) -> JobView | None:
    """The last split of this version that was asked for, live or ended."""
    return newest("split", dataset=info.ref)
