"""Removing a dataset with everything that belongs to it, so that a later one of the same name inherits nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import delete, select

from lib import storage
from lib.data.datasets import DatasetRef, unknown, version_numbers
from lib.database import Comparison, Draft, Job, JournalEntry, RowEdit, Run, note, session
from lib.database.models import LIVE
from lib.errors import WrongState
from lib.jobs import queue


def remove(name: str, user: str) -> None:
    """Remove all versions of a dataset, its edits, and what was found and measured of it. Runs keep what they wrote.

    Raises:
        NotFound: no such dataset.
        WrongState: a job works on it; says which.
        StorageError: the folder cannot be written.
    """
    folder = storage.dataset_dir(name)
    if not folder.is_dir():
        raise unknown(name)
    if using := users(name):
        raise WrongState(f"{name} is in use: {', '.join(using)}.", "Wait until that has ended, or stop it.")
    count = len(version_numbers(name))
    with storage.disk_errors(folder):
        # From here on there is no such dataset. The edits go before and after: before, so that none is left if this
        # process dies now; after, for one that came in between.
        _forget(name)
        doomed = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}."))
        folder.rename(doomed / name)
        _forget(name)
        shutil.rmtree(doomed)
    note(user, f"removed the dataset {name}" + (f", {count} versions" if count > 1 else ""))


def _forget(name: str) -> None:
    with session() as opened:
        for table in (RowEdit, JournalEntry, Draft):
            opened.execute(delete(table).where(table.dataset == name))
    for kind in (storage.edits_dir, storage.measures_dir):
        shutil.rmtree(kind(name, 1).parent, ignore_errors=True)
    shutil.rmtree(storage.checks_file(name, 1).parent, ignore_errors=True)
    shutil.rmtree(storage.lint_file(name, 1, "any").parent.parent, ignore_errors=True)


def users(name: str) -> list[str]:
    """Live jobs that read or write a dataset, in words: `the run gentle-otter`, `import (job 7)`."""
    with session() as opened:
        runs = opened.scalars(select(Run.id).join(Job).where(Run.dataset == name, Job.status.in_(LIVE)))
        found = [f"the run {run}" for run in runs]
        compared = select(Comparison.id).join(Job).where(Comparison.dataset == name, Job.status.in_(LIVE))
        found += [f"comparison {comparison}" for comparison in opened.scalars(compared)]
    for job in queue.live_jobs():
        refs = (job.payload.get(key) for key in ("dataset", "left", "right"))  # the latter two with their splits
        named = {DatasetRef.parse(ref.partition(":")[0]).name for ref in refs if ref}
        if name in named or (job.kind == "import" and name == job.payload.get("name")):
            found.append(f"{job.kind} (job {job.id})")
    return found
