"""The job `export`: a dataset version as a file to download, a folder as one .zip, on request pushed to the Hub.

exports/<job>/<name>-v3-llama2.jsonl

Only the newest exports are kept.
"""

from __future__ import annotations

import contextlib
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib import scratch
from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.errors import Stopped
from lib.export.dataset import export_dataset, export_folder
from lib.export.hub import check_repo_id, push_to_hub
from lib.export.options import ExportOptions, ending
from lib.export.report import ExportReport
from lib.jobs import queue
from lib.jobs.context import JobContext
from lib.jobs.queue import JobView
from lib.storage import exports_dir

KIND = "export"
CHUNK = 1 << 20  # bytes that are packed between two looks at whether to stop
KEPT = 20  # exports: enough for a team to fetch theirs, while copies of whole datasets do not fill the disk for ever


def submit(
    info: DatasetInfo, options: ExportOptions, format_: str, user: str = "", push: str = "", public: bool = False
) -> int:
    """Queue an export and return the job's id. A `push` to `owner/name` makes a folder with a card, as it needs one.

    Raises:
        BadInput: unknown format, faults of the options (`BadSettings`), an id that the Hub cannot have.
        NotFound: no such template.
    """
    if push:
        options = replace(options, split_files=True)
        check_repo_id(push)
    payload = {
        "dataset": info.ref,
        "options": options.check().resolved().to_dict(),
        "format": ending(format_),
        "push": push,
        "public": public,
    }
    return queue.submit(KIND, payload, user)


def newest_job(info: DatasetInfo) -> JobView | None:
    """The last export of a version, live or ended."""
    return queue.newest(KIND, dataset=info.ref)


def exported_file(job: JobView) -> Path | None:
    """What a finished export offers for download; None when it is not there (any more)."""
    name = (job.result or {}).get("file")
    path = exports_dir() / str(job.id) / Path(name).name if name else None
    return path if path is not None and path.is_file() else None


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Returns the report of the export, with the `dataset`, and the `file` to download. Old exports go.

    Raises:
        Stopped: on request; nothing is left.
        StudioError: see `export_dataset`, `export_folder` and `push_to_hub`.
    """
    info = datasets.get(payload["dataset"])
    options, format_ = ExportOptions.from_dict(payload["options"]).resolved(), payload["format"]
    folder = exports_dir() / str(job.id)
    name = f"{info.name}-v{info.version}-{(options.template if options.renders else None) or options.columns}"
    say = _Told(job)
    for earlier in exports_dir().glob("*/"):
        scratch.sweep(earlier)
    try:
        if options.split_files:
            target = folder / f"{name}.zip"
            report = _packed(info, options, target, payload, say)
        else:
            target = folder / f"{name}{format_}"
            report = export_dataset(info, options, target, say.rows)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sweep(job.id)
    return {**report.to_dict(), "out": str(target), "dataset": info.ref, "file": target.name}


def _sweep(written: int) -> None:
    """Remove all but the newest exports, and what is empty; never what a live job may be writing."""
    folders = {int(folder.name): folder for folder in exports_dir().iterdir() if folder.name.isdecimal()}
    # Looked up after the folders: a job whose folder is there already was live by then.
    busy = {written, *(job.id for job in queue.live_jobs(KIND))}
    for place, number in enumerate(sorted(folders, reverse=True)):
        with contextlib.suppress(OSError):  # another job does the same
            if number not in busy and (place >= KEPT or not any(folders[number].iterdir())):
                shutil.rmtree(folders[number])


class _Told:
    """Says how far the job is, and stops it on request."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        job.progress(0, None, "reading")
        job.start_clock()

    def rows(self, done: int, total: int | None) -> None:
        self._tell(done, total, "writing rows")

    def packed(self, done: int, total: int | None) -> None:
        self._tell(done, total, "packing")

    def pushing(self) -> None:
        self._tell(0, None, "uploading")

    def _tell(self, done: int, total: int | None, text: str) -> None:
        if self._job.stopping:
            raise Stopped("The export was stopped.", "Nothing of it was kept; start it again.")
        self._job.progress(done, total, text)


def _packed(
    info: DatasetInfo, options: ExportOptions, target: Path, payload: dict[str, Any], say: _Told
) -> ExportReport:
    """A folder as one .zip. It is pushed last: a wish to stop after that would come too late."""
    with scratch.beside(target.with_suffix(".files")) as work:
        made = work / target.stem
        report = export_folder(info, options, made, payload["format"], say.rows)
        with scratch.new_file(target) as path:
            _pack(made, path, say.packed)
            if payload["push"]:
                say.pushing()
                report.pushed = push_to_hub(made, payload["push"], private=not payload["public"])
    return report


def _pack(folder: Path, target: Path, progress: Callable[[int, int | None], None]) -> None:
    files = sorted(folder.iterdir())
    total, done = sum(file.stat().st_size for file in files), 0
    with zipfile.ZipFile(target, "w", compresslevel=1) as packed:
        for file in files:
            entry = zipfile.ZipInfo.from_file(file, f"{folder.name}/{file.name}")
            # Parquet is packed already.
            entry.compress_type = zipfile.ZIP_STORED if file.suffix == ".parquet" else zipfile.ZIP_DEFLATED
            with file.open("rb") as source, packed.open(entry, "w", force_zip64=True) as place:
                while chunk := source.read(CHUNK):
                    place.write(chunk)
                    done += len(chunk)
                    progress(done, total)
