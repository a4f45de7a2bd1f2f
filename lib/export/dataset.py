"""A dataset version as a file, or as a folder with a file for each split and a card; written whole or not at all.

report = export_dataset(get("faq@2"), ExportOptions(template="llama2"), Path("faq.jsonl"))
report = export_folder(get("faq@2"), ExportOptions("messages"), Path("faq"), ".parquet")
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib import scratch
from lib.data.datasets import DatasetInfo
from lib.data.versions.review import unsaved
from lib.errors import BadInput
from lib.export.card import CARD, Sample, dataset_card
from lib.export.options import ExportOptions, ending
from lib.export.report import ExportFile, ExportReport
from lib.export.rows import Columns, Rows
from lib.export.shapes import SCHEMAS
from lib.export.writers import Writer, open_writer
from lib.progress import Progress

WAITING = 2  # batches that were made and are not written yet: neither side waits for the other's slow ones


def export_dataset(
    info: DatasetInfo, options: ExportOptions, out: Path, progress: Progress | None = None
) -> ExportReport:
    """Write one file; its ending says the format. `progress` is told rows; what it raises ends the export.

    Raises:
        BadInput: unknown ending, faults of the options (`BadSettings`), no such split, no row to write, or rows that
            cannot be carried while `keep_good` is off.
        NotFound, ModelError: unknown template or model.
        StorageError: disk full or folder not writable.
    """
    format_ = ending(out.name)
    options = replace(options, split_files=False).check().resolved()
    report = _report(info, options, out)
    with scratch.new_file(out) as path:
        files = _Files(lambda split: path, format_, options)
        files.write(info, report, progress)
        report.files = [replace(file, name=out.name) for file in files.listed()]
    return report


def export_folder(
    info: DatasetInfo, options: ExportOptions, folder: Path, format_: str, progress: Progress | None = None
) -> ExportReport:
    """Write a file for each split and README.md into a new folder.

    Raises:
        StorageError: also where the folder is there already and not empty.
        BadInput, NotFound, ModelError: see `export_dataset`.
    """
    format_ = ending(format_)
    options = replace(options, split_files=True).check().resolved()
    report = _report(info, options, folder)
    with scratch.new_folder(folder) as made:
        files = _Files(lambda split: made / f"{split}{format_}", format_, options)
        files.write(info, report, progress)
        report.files = files.listed()
        (made / CARD).write_text(dataset_card(info, options, report, files.sample), encoding="utf-8")
    return report


def _report(info: DatasetInfo, options: ExportOptions, out: Path) -> ExportReport:
    if options.split is not None and options.split not in info.splits:
        raise BadInput(f"{info.ref} has no split {options.split!r}.", f"It has: {', '.join(info.splits)}.")
    report = ExportReport(str(out), unsaved=unsaved(info))
    if options.template and not options.renders:
        report.notes.append(f"The template {options.template} is not used: {options.columns} are not rendered.")
    return report


class _Files:
    """The open files of an export. What was made is written while the next rows are made."""

    def __init__(self, path_of: Callable[[str], Path], format_: str, options: ExportOptions) -> None:
        self.sample: Sample | None = None
        self._path_of, self._format, self._options = path_of, format_, options
        self._schema = SCHEMAS[options.columns]
        self._open: dict[str, Writer] = {}
        self._files: dict[str, ExportFile] = {}

    def write(self, info: DatasetInfo, report: ExportReport, progress: Progress | None) -> None:
        """All rows.

        Raises:
            BadInput: there is none to write, or one that cannot be carried.
        """
        with Rows(info, self._options, report) as rows, ThreadPoolExecutor(1) as background:
            try:
                waiting: deque[Future[None]] = deque()
                for split, columns in rows.batches(progress):
                    waiting.append(background.submit(self._add, split, columns))
                    if len(waiting) > WAITING:
                        waiting.popleft().result()
                for writing in waiting:
                    writing.result()
            finally:
                background.shutdown()
                for writer in self._open.values():
                    writer.close()
        report.rows = sum(file.rows for file in self._files.values())
        report.guarded = sum(writer.guarded for writer in self._open.values())
        if not report.rows:
            why = "; ".join(f"{count:,}: {reason}" for reason, count in report.reasons.items())
            raise BadInput(
                f"No row of {info.ref} is left to write{f' ({why})' if why else ''}.",
                "Choose other rows, or columns and a template that can carry them.",
            )

    def listed(self) -> list[ExportFile]:
        """The files, in the order in which their first rows came."""
        return [replace(file, bytes=self._path_of(split).stat().st_size) for split, file in self._files.items()]

    def _add(self, split: str, columns: Columns) -> None:
        rows = len(next(iter(columns.values())))
        if not rows:
            return
        if split not in self._open:
            path = self._path_of(split)
            self._open[split] = open_writer(path, self._format, self._schema)
            self._files[split] = ExportFile(path.name, split)
        self.sample = self.sample or {name: _first(values) for name, values in columns.items()}
        self._open[split].write(columns)
        self._files[split].rows += rows


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) else values[0].as_py()
