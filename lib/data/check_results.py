"""Checks of a dataset version: run as a job, kept beside the data, read a page at a time.

checks/<name>/v0001.parquet      findings, with the summary in the file's metadata: one file, so always one state
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from lib import models
from lib.data import datasets
from lib.data.checks import CheckReport, Settings, run_checks
from lib.data.datasets import DatasetInfo
from lib.database import Job, session
from lib.errors import Stopped
from lib.formats import get_template, load_tokenizer
from lib.jobs.context import JobContext
from lib.jobs.queue import JobView
from lib.storage import checks_file, disk_errors

SCHEMA = pa.schema([("row_id", pa.int64()), ("check", pa.string()), ("detail", pa.string()), ("group", pa.int64())])

SUMMARY = b"tandem"


@dataclass(frozen=True)
class Flagged:
    """One finding on screen: the row and what is wrong with it."""

    row_id: int
    detail: str
    group: int | None


def settings_of(template: str | None, model: str | None, max_length: int | None, threshold: float = 0.8) -> Settings:
    """The settings of a check, as commands and pages give them.

    Raises:
        NotFound: unknown template or model.
    """
    if template:
        get_template(template)
    tokenizer = load_tokenizer(models.find(model).path) if model else None
    return Settings(near_duplicate_threshold=threshold, template=template, max_tokens=max_length, tokenizer=tokenizer)


def check(
    info: DatasetInfo, settings: Settings, progress: Callable[[int, int | None], None] | None = None
) -> CheckReport:
    """Run the checks and keep what they found, in place of what an earlier run found."""
    report = run_checks(info, settings, progress)
    path = checks_file(info.name, info.version)
    columns = {
        "row_id": [finding.row_id for finding in report.findings],
        "check": [finding.check for finding in report.findings],
        "detail": [finding.detail for finding in report.findings],
        "group": [finding.group for finding in report.findings],
    }
    table = pa.table(columns, schema=SCHEMA).replace_schema_metadata({SUMMARY: json.dumps(report.to_dict())})
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".part")
        pq.write_table(table, scratch, compression="zstd")
        scratch.rename(path)
    return report


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """The job `check`: the dataset and settings in the payload; returns the summary."""

    def progress(done: int, total: int | None) -> None:
        if job.stopping:
            raise Stopped("The check was stopped.", "Start it again; earlier findings are kept.")
        job.progress(done, total, "checking rows")

    info = datasets.get(payload["dataset"])
    settings = settings_of(payload.get("template"), payload.get("model"), payload.get("max_length"))
    return check(info, settings, progress).to_dict()


def newest_job(info: DatasetInfo) -> JobView | None:
    """The last check of this version that was asked for, live or ended."""
    query = select(Job).where(Job.kind == "check").order_by(Job.id.desc()).limit(50)
    with session() as opened:
        jobs = [JobView.of(job) for job in opened.scalars(query)]
    return next((job for job in jobs if job.payload["dataset"] == info.ref), None)


def summary(info: DatasetInfo) -> dict[str, Any] | None:
    """What the last check of this version found; None when there was none."""
    path = checks_file(info.name, info.version)
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(pq.read_schema(path).metadata[SUMMARY])
    return found


def flagged(info: DatasetInfo, check_name: str, limit: int, offset: int) -> list[Flagged]:
    """A page of one check's findings; rows of one cluster stand together."""
    path = checks_file(info.name, info.version)
    sql = 'SELECT row_id, detail, "group" FROM read_parquet(?) WHERE "check" = ? '
    sql += 'ORDER BY coalesce("group", row_id), row_id LIMIT ? OFFSET ?'
    with duckdb.connect() as connection:
        return [Flagged(*row) for row in connection.execute(sql, [str(path), check_name, limit, offset]).fetchall()]
