"""The job `import`: an import that outlives the browser tab, with progress."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from lib.data.imports.importer import TEST_FRACTION, import_source
from lib.data.info import REFUSED
from lib.data.mapping.roles import Mapping
from lib.database import note
from lib.jobs import queue
from lib.jobs.context import JobContext, reporter
from lib.storage import job_dir, uploads_dir

KIND = "import"


def submit(
    source: str,
    name: str,
    user: str,
    mapping: dict[str, Any] | None = None,
    test_fraction: float = TEST_FRACTION,
    keep_good: bool = False,
) -> int:
    """Start the job and return its id; see `import_source`. `mapping`: one by hand, as `Mapping.to_dict` gives it."""
    payload = {"source": source, "name": name, "user": user, "mapping": mapping}
    return queue.submit(KIND, {**payload, "test_fraction": test_fraction, "keep_good": keep_good}, user)


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Import `source` as `name`; returns the report. An uploaded file is removed once it is in.

    Rows that stop the import are left in the job's folder, as the version's folder has those that were left out.
    """
    job.progress(0, None, "reading")
    mapping = Mapping.from_dict(payload["mapping"]) if payload.get("mapping") else None
    told = reporter(job, "reading rows", "The import was stopped.", "Nothing of it was stored; start it again.")

    def progress(done: int, total: int | None) -> None:
        told(done, total)
        if done == total:
            job.progress(done, total, "storing the rows")

    report = import_source(
        payload["source"],
        payload["name"],
        mapping,
        keep_good=payload.get("keep_good", False),
        progress=progress,
        user=payload["user"],
        test_fraction=payload.get("test_fraction", TEST_FRACTION),
        refused_file=job_dir(job.id) / REFUSED,
    )
    source = Path(payload["source"])
    if source.is_relative_to(uploads_dir()):
        shutil.rmtree(source.parent, ignore_errors=True)
    if not report.existing:
        what = f"imported {report.name}@{report.version}, {report.rows:,} rows"
        note(payload["user"], what, f"datasets?dataset={report.name}")
    return report.to_dict()
