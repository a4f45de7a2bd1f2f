"""Checks of a dataset version: run, kept beside the data, read a page at a time.

checks/<name>/v0001.parquet      findings, with the summary in the file's metadata: one file, so always one state
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lib import duck, models, scratch
from lib.data.checks import CHECKS, CheckReport, Finding, Settings, run_checks
from lib.data.datasets import DatasetInfo
from lib.data.edits import open_copy
from lib.data.edits.conversations import conversations
from lib.errors import StorageError
from lib.formats import get_template, load_tokenizer
from lib.progress import Progress
from lib.storage import checks_file

SCHEMA = pa.schema([("row_id", pa.int64()), ("check", pa.string()), ("detail", pa.string()), ("group", pa.int64())])

SUMMARY = b"tandem"


@dataclass(frozen=True)
class Flagged:
    """One finding on screen: the row and what is wrong with it."""

    row_id: int
    detail: str
    group: int | None


@dataclass(frozen=True)
class Cluster:
    """Rows of one check that belong together: their ids, ascending; `group` is the lowest of them."""

    group: int
    rows: tuple[int, ...]
    size: int


def settings_of(
    template: str | None,
    model: str | None,
    max_length: int | None,
    threshold: float = 0.8,
    checks: frozenset[str] | None = None,
) -> Settings:
    """The settings of a check, as commands and pages give them.

    Raises:
        NotFound: unknown template, model or check.
    """
    if template:
        get_template(template)
    tokenizer = load_tokenizer(models.find(model).path) if model else None
    settings = Settings(threshold, template, max_length, tokenizer, checks=checks)
    settings.chosen()
    return settings


def check(info: DatasetInfo, settings: Settings, progress: Progress | None = None) -> CheckReport:
    """Run the checks on a version with its unsaved edits and keep what they found; see `keep`."""
    copy = open_copy(info)
    report = run_checks(
        lambda: conversations(copy),
        info.rows,
        settings,
        progress,
        dataset=info.name,
        version=info.version,
        seq=copy.seq,
    )
    return keep(report)


def keep(report: CheckReport) -> CheckReport:
    """Keep a report in place of what an earlier run found, and return what is kept now.

    Findings of checks that were not run stay, when they were made on the same rows (the same `seq`).

    Raises:
        StorageError: disk full or folder not writable.
    """
    path = checks_file(report.dataset, report.version)
    whole = _with_earlier(report, path)
    columns = {
        "row_id": [finding.row_id for finding in whole.findings],
        "check": [finding.check for finding in whole.findings],
        "detail": [finding.detail for finding in whole.findings],
        "group": [finding.group for finding in whole.findings],
    }
    table = pa.table(columns, schema=SCHEMA).replace_schema_metadata({SUMMARY: json.dumps(whole.to_dict())})
    with scratch.new_file(path) as target:  # two checks may end at once
        pq.write_table(table, target, compression="zstd")
    return whole


def _with_earlier(report: CheckReport, path: Path) -> CheckReport:
    if len(report.checks) == len(CHECKS) or not path.exists():
        return report
    kept = pq.read_table(path)
    earlier = json.loads(kept.schema.metadata[SUMMARY])
    if (earlier.get("seq", 0), earlier["rows"]) != (report.seq, report.rows):
        return report
    known = {check["name"] for check in earlier["checks"]} | set(report.checks)
    order = {name: number for number, name in enumerate(CHECKS)}  # without checks that an earlier studio had
    old = [Finding(**row) for row in kept.to_pylist() if row["check"] in order and row["check"] not in report.checks]
    findings = sorted([*old, *report.findings], key=lambda finding: (finding.row_id, order[finding.check]))
    return replace(report, findings=findings, checks=tuple(name for name in CHECKS if name in known))


def summary(info: DatasetInfo) -> dict[str, Any] | None:
    """What the last check of this version found; None when there was none.

    Raises:
        StorageError: the file is damaged.
    """
    path = checks_file(info.name, info.version)
    try:
        found: dict[str, Any] = json.loads(pq.read_schema(path).metadata[SUMMARY])
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged.", "Delete it, and check the rows again.") from error
    return found


def flagged(info: DatasetInfo, check_name: str, limit: int, offset: int) -> list[Flagged]:
    """A page of one check's findings; rows of one cluster stand together."""
    path = checks_file(info.name, info.version)
    sql = 'SELECT row_id, detail, "group" FROM read_parquet(?) WHERE "check" = ? '
    sql += 'ORDER BY coalesce("group", row_id), row_id LIMIT ? OFFSET ?'
    with duck.connect() as connection:
        return [Flagged(*row) for row in connection.execute(sql, [str(path), check_name, limit, offset]).fetchall()]


def clusters(info: DatasetInfo, check_name: str, limit: int, offset: int) -> list[Cluster]:
    """A page of the groups of rows that a check found to belong together, the largest first.

    The row that a group is named after is among its rows, though the check need not have flagged it.
    """
    sql = """
        SELECT "group", list_sort(list_distinct(list_append(list(row_id), "group"))) AS members, len(members)
        FROM read_parquet(?) WHERE "check" = ? AND "group" IS NOT NULL
        GROUP BY "group" ORDER BY len(members) DESC, "group" LIMIT ? OFFSET ?"""
    path = checks_file(info.name, info.version)
    with duck.connect() as connection:
        found = connection.execute(sql, [str(path), check_name, limit, offset]).fetchall()
    return [Cluster(group, tuple(members), size) for group, members, size in found]


def cluster_count(info: DatasetInfo, check_name: str) -> int:
    """How many groups `clusters` has in all."""
    sql = 'SELECT count(DISTINCT "group") FROM read_parquet(?) WHERE "check" = ?'
    with duck.connect() as connection:
        found = connection.execute(sql, [str(checks_file(info.name, info.version)), check_name]).fetchall()
    return int(found[0][0])


def findings_of(info: DatasetInfo, check_name: str, row_ids: list[int]) -> dict[int, Flagged]:
    """What a check found in some rows, by their ids."""
    sql = 'SELECT row_id, detail, "group" FROM read_parquet(?) WHERE "check" = ? AND list_contains(?, row_id)'
    path = checks_file(info.name, info.version)
    with duck.connect() as connection:
        found = connection.execute(sql, [str(path), check_name, row_ids]).fetchall()
    return {row[0]: Flagged(*row) for row in found}
