"""Import: a source becomes a version of a dataset, whole or not at all.

    report = import_source("rows.jsonl", "medical-terms", mapping=None)

Every row is read as a conversation to test it. If any is refused nothing is written, unless the caller keeps the good
ones. The same content as the latest version is recognised and not written again.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib import storage
from lib.data.datasets import REFUSED, DatasetInfo, get, version_numbers
from lib.data.inspection import Sample, inspect_source, take_sample
from lib.data.readers import Refusal, refusal
from lib.data.reading import question_reader
from lib.data.recognise import Recognition
from lib.data.roles import Mapping
from lib.data.sources import Source, open_source
from lib.data.splits import forced, is_test, needs_forcing, question_key, split_named
from lib.data.writer import BATCH_SIZE, RowsWriter
from lib.errors import BadInput, BadRows
from lib.settings import settings

__all__ = ["ImportReport", "import_source", "inspect_source"]

SAMPLE_ROWS = 1000
KEPT_REFUSALS = 10_000
KEPT_REASONS = 500
PROGRESS_ROWS = 4096
Progress = Callable[[int, int | None], None]


@dataclass
class ImportReport:
    """What an import did: rows read, kept and refused (`reasons` counts all, `refusals` has the first 10,000)."""

    name: str
    version: int = 0
    rows_in: int = 0
    kept: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    label: str = ""
    mapping: Mapping = field(default_factory=Mapping)
    notes: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    existing: bool = False
    """The latest version already has this content; nothing was written."""

    def to_dict(self) -> dict[str, Any]:
        changed = {"refusals": [refused.to_dict() for refused in self.refusals], "mapping": self.mapping.to_dict()}
        return {**self.__dict__, **changed}

    def refuse(self, refused: Refusal) -> None:
        """Count a refused row, and keep it while there is room."""
        self.refused += 1
        reason = refused.reason
        if reason not in self.reasons and len(self.reasons) >= KEPT_REASONS:
            reason = "other reasons"
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.refusals) < KEPT_REFUSALS:
            self.refusals.append(refused)


def import_source(
    source: str,
    name: str,
    mapping: Mapping | None = None,
    keep_good: bool = False,
    *,
    progress: Progress | None = None,
    user: str = "",
    test_fraction: float = 0.1,
) -> ImportReport:
    """Import a file, folder or Hub data set as a new version of the dataset `name`.

    `progress` is called with the rows read so far and an estimate of all. `test_fraction` (0 to 1) of the questions are
    held out, unless a column says which split a row is in.

    Raises:
        BadRows: some rows are refused and `keep_good` is not set; carries the report. Nothing is written.
        BadInput: the source or the mapping cannot be used, or no row of it can.
        NotFound: no such file.
        StorageError: disk full.
    """
    storage.check_name(name, "dataset name")
    if not 0 <= test_fraction < 1:
        raise BadInput(f"The test fraction is {test_fraction}.", "Give a share of the rows: 0 or more, less than 1.")
    opened = open_source(source)
    sample = take_sample(opened, SAMPLE_ROWS)
    recognition = _recognised(opened, sample, mapping)
    report = ImportReport(name, label=recognition.label, mapping=recognition.mapping)
    latest = _latest(name)
    report.version = latest.version + 1 if latest else 1
    try:
        with storage.new_folder(storage.version_dir(name, report.version)) as folder:
            _Import(opened, report, keep_good, progress, test_fraction, folder).run(latest, user)
    except _Same:
        assert latest is not None
        report.existing, report.version = True, latest.version
    finally:
        with contextlib.suppress(OSError):  # only an empty folder goes: one that this import made in vain
            storage.dataset_dir(name).rmdir()
    return report


class _Same(Exception):
    """The latest version has this very content: leave without a new folder."""


def _latest(name: str) -> DatasetInfo | None:
    return get(name) if version_numbers(name) else None


def _recognised(source: Source, sample: Sample, mapping: Mapping | None) -> Recognition:
    recognition = sample.recognise(mapping)
    if sample.items and not recognition.mapping:
        raise BadInput(f"The columns of {source.name} are not recognised.", recognition.hint)
    if not sample.items and len(sample.refusals) < SAMPLE_ROWS:
        raise _nothing(source.name, len(sample.refusals), sample.refusals[0])
    return recognition


def _nothing(source: str, rows: int, first: Refusal) -> BadInput:
    where = f"{first.file}, row {first.row}" if first.file else f"row {first.row}"
    return BadInput(
        f"None of the {rows:,} rows of {source} can be read; {where}: {first.reason}.",
        "Check the file and the mapping of its columns.",
    )


@dataclass
class _Import:
    """One pass over a source into a scratch folder."""

    source: Source
    report: ImportReport
    keep_good: bool
    progress: Progress | None
    test_fraction: float
    folder: Path
    splits: Counter[str] = field(default_factory=Counter)
    keys: array[int] = field(default_factory=lambda: array("Q"))
    """One question key a kept row (8 bytes): to mend the split at the end if chance made a useless one."""

    def run(self, latest: DatasetInfo | None, user: str) -> None:
        """Fill the folder.

        Raises:
            _Same: `latest` has this content.
            BadRows, BadInput: see `import_source`.
        """
        with RowsWriter(self.folder) as writer, (self.folder / REFUSED).open("w", encoding="utf-8") as refused:
            self._read(writer, refused)
            self._judge()
            columns = writer.finish(self._mended())
        if not self.report.refused:
            (self.folder / REFUSED).unlink()
        report = self.report
        report.mapping = report.mapping.renamed(writer.names.stored)
        report.notes = [*self.source.notes, *writer.names.notes(), *report.notes]
        report.splits = {split: self.splits[split] for split in ("train", "test", "validation") if self.splits[split]}
        content = writer.digest(json.dumps(report.mapping.to_dict(), sort_keys=True), self._split_rule())
        if latest is not None and latest.hash == content:
            raise _Same
        manifest = {
            "name": report.name,
            "version": report.version,
            "rows": report.kept,
            "refused": report.refused,
            "columns": [column.to_dict() for column in columns],
            "mapping": report.mapping.to_dict(),
            "label": report.label,
            "notes": report.notes,
            "splits": report.splits,
            "hash": content,
            "parent": latest.version if latest else None,
            "source": self.source.name,
            "recipe": {"kind": "import", "keep_good": self.keep_good, "test_fraction": self.test_fraction},
            "created_at": datetime.datetime.now(datetime.UTC).isoformat(),
            "user": user or settings.user,
        }
        storage.write_json(self.folder / storage.MANIFEST, manifest)

    def _split_rule(self) -> str:
        return "column" if self.report.mapping["split"] else f"hash {self.test_fraction}"

    def _read(self, writer: RowsWriter, refused: Any) -> None:
        """Rows go to the writer, refusals to their file; once the import is bound to fail, rows are only counted."""
        report, source = self.report, self.source
        question = question_reader(report.mapping)
        split_column = report.mapping["split"]
        flushed = 0
        for item in self._reported(source.rows()):
            if isinstance(item, tuple):
                number, row = item
                try:
                    key = question_key(*question(row))
                    if split_column:
                        split = split_named(row.get(split_column))
                    else:
                        split = "test" if is_test(key, self.test_fraction) else "train"
                except BadInput as error:
                    item = refusal(number, error.message, row, source.file)  # noqa: PLW2901
            if isinstance(item, Refusal):
                report.refuse(item)
                refused.write(json.dumps(item.to_dict(), ensure_ascii=False) + "\n")
                continue
            report.kept += 1
            if report.refused and not self.keep_good:
                continue
            self.keys.append(key)
            self.splits[split] += 1
            writer.add(row, report.kept, split)
            if source.decoded - flushed > BATCH_SIZE:
                flushed = source.decoded
                writer.flush()

    def _reported(self, items: Iterator[Any]) -> Iterator[Any]:
        """The same items, telling `progress` now and then."""
        done = 0
        for done, item in enumerate(items, start=1):
            if self.progress and done % PROGRESS_ROWS == 0:
                self.progress(done, self.source.estimate(done))
            yield item
        self.report.rows_in = done
        if self.progress:
            self.progress(done, done)

    def _judge(self) -> None:
        report = self.report
        if not report.kept:
            raise _nothing(self.source.name, report.rows_in, report.refusals[0])
        if report.refused and not self.keep_good:
            first = report.refusals[0]
            where = f"{first.file}, row {first.row}" if first.file else f"row {first.row}"
            raise BadRows(
                f"{report.refused:,} of {report.rows_in:,} rows of {self.source.name} cannot be read; "
                f"the first is {where}: {first.reason}.",
                f"Mend the file, or import again with --keep-good to keep the {report.kept:,} good rows.",
                report,
            )

    def _mended(self) -> dict[int, str]:
        """Another split for some rows, where hashing made a useless one."""
        held_out, kept = self.splits["test"], self.report.kept
        if self.report.mapping["split"] or not needs_forcing(kept, held_out, self.test_fraction):
            return {}
        test, note = forced(self.keys, self.test_fraction)
        moved = {row_id: "test" if key in test else "train" for row_id, key in enumerate(self.keys, start=1)}
        self.splits = Counter(moved.values())
        if note:
            self.report.notes.append(note)
        return moved
