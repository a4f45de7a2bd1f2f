"""The rows of an import become a version. Its number is chosen last: imports at the same time follow each other."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path
from typing import Any

from lib import storage
from lib.data.datasets import get, version_numbers
from lib.data.imports import scratch
from lib.data.imports.report import ImportReport
from lib.errors import StorageError, StudioError


def next_number(name: str) -> int:
    """The number of a dataset's next version."""
    return max(version_numbers(name), default=0) + 1


def become_version(folder: Path, report: ImportReport, made: dict[str, Any]) -> None:
    """Write the manifest, `made` and what depends on the versions that are there by now, and give the folder its name.

    Where the latest version has this very content nothing is written, and the report says so.

    Raises:
        StorageError: disk full, or something that is no version is in the way.
    """
    while True:
        latest = get(report.name) if version_numbers(report.name) else None
        if latest is not None and latest.hash == made["hash"]:
            report.existing, report.version = True, latest.version
            return
        report.version = next_number(report.name)
        older = _with_content(report.name, made["hash"])
        repeated = [f"The rows are those of version {older}, which was not the latest any more"] if older else []
        there = {
            "version": report.version,
            "parent": latest.version if latest else None,
            "notes": [*report.notes, *repeated],
            "created_at": datetime.datetime.now(datetime.UTC).isoformat(),
        }
        storage.write_json(folder / storage.MANIFEST, {**made, **there})
        try:
            scratch.show(folder, storage.version_dir(report.name, report.version))
        except StorageError:
            if report.version in version_numbers(report.name):  # another import was quicker
                continue
            raise
        report.notes += repeated
        return


def _with_content(name: str, content: str) -> int | None:
    """The newest version of that content; damaged ones are passed over."""
    for number in reversed(version_numbers(name)):
        with contextlib.suppress(StudioError):
            if get(f"{name}@{number}").hash == content:
                return number
    return None
