"""The job `import`: an import that outlives the browser tab, with progress."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lib.data.importer import import_source
from lib.data.roles import Mapping
from lib.database import note
from lib.jobs.context import JobContext
from lib.storage import uploads_dir


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Import `source` as `name`; returns the report. An uploaded file is removed once it is in."""
    job.progress(0, None, "reading")
    mapping = Mapping.from_dict(payload["mapping"]) if payload.get("mapping") else None
    report = import_source(
        payload["source"],
        payload["name"],
        mapping,
        keep_good=payload.get("keep_good", False),
        progress=lambda done, total: job.progress(done, total, "reading rows"),
        user=payload["user"],
    )
    source = Path(payload["source"])
    if source.is_relative_to(uploads_dir()):
        source.unlink(missing_ok=True)
    if not report.existing:
        what = f"imported {report.name}@{report.version}, {report.kept:,} rows"
        note(payload["user"], what, f"datasets?dataset={report.name}")
    return report.to_dict()
