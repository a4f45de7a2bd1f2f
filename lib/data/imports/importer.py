"""Import: a source becomes a version of a dataset, whole or not at all.

    report = import_source("rows.jsonl", "medical-terms", mapping=None)

Every row is read as a conversation to test it. If any is refused nothing is written, unless the caller keeps the good
ones. The same content as the latest version is recognised and not written again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lib import storage
from lib.data.datasets import REFUSED
from lib.data.imports import scratch
from lib.data.imports.inspection import inspect_source, take_sample
from lib.data.imports.judging import Judge
from lib.data.imports.numbering import become_version, next_number
from lib.data.imports.report import ImportReport
from lib.data.imports.writer import BATCH_SIZE, RowsWriter
from lib.data.mapping.recognise import Recognition
from lib.data.mapping.roles import Mapping
from lib.data.sources.items import Batch, Refusal
from lib.data.sources.source import Source, open_source
from lib.data.splits.hashed import forced, is_test, needs_forcing
from lib.errors import BadInput, BadRows
from lib.progress import Progress
from lib.settings import settings

__all__ = ["TEST_FRACTION", "ImportReport", "import_source", "inspect_source"]

TEST_FRACTION = 0.1
SAMPLE_ROWS = 1000


def import_source(
    source: str,
    name: str,
    mapping: Mapping | None = None,
    keep_good: bool = False,
    *,
    progress: Progress | None = None,
    user: str = "",
    test_fraction: float = TEST_FRACTION,
    refused_file: Path | None = None,
) -> ImportReport:
    """Import a file, folder or Hub data set as a new version of the dataset `name`.

    `progress` is called with the rows read so far and an estimate of all. `test_fraction` (0 to 1) of the questions are
    held out, unless a column says which split a row is in. `refused_file` gets the refused rows when they stop the
    import; otherwise they are kept with the version.

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
    recognition = _recognised(opened, mapping)
    report = ImportReport(name, label=recognition.label, mapping=recognition.mapping)
    try:
        with scratch.hidden(storage.version_dir(name, next_number(name))) as folder:
            made = _Import(opened, report, keep_good, progress, test_fraction, folder, refused_file).run()
            become_version(folder, report, {**made, "user": user or settings.user})
    finally:
        with contextlib.suppress(OSError):  # only an empty folder goes: one that this import made in vain
            storage.dataset_dir(name).rmdir()
    return report


def _recognised(source: Source, mapping: Mapping | None) -> Recognition:
    sample = take_sample(source, SAMPLE_ROWS)
    recognition = sample.recognise(mapping)
    if sample.items and not recognition.mapping:
        raise BadInput(f"The columns of {source.name} are not recognised.", recognition.hint)
    if not sample.items and len(sample.refusals) < SAMPLE_ROWS:
        raise _nothing(source.name, len(sample.refusals), sample.refusals[0])
    return recognition


def _nothing(source: str, rows: int, first: Refusal) -> BadInput:
    return BadInput(
        f"None of the {rows:,} rows of {source} can be read; {first.place}: {first.reason}.",
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
    refused_file: Path | None
    splits: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    keys: array[int] = field(default_factory=lambda: array("Q"))
    """One question key a kept row (8 bytes): to mend the split at the end if chance made a useless one."""

    def run(self) -> dict[str, Any]:
        """Fill the folder; returns what its manifest is to say of the rows.

        Raises:
            BadRows, BadInput: see `import_source`.
        """
        with RowsWriter(self.folder) as writer, (self.folder / REFUSED).open("w", encoding="utf-8") as refused:
            self._read(writer, refused)
            refused.flush()
            self._judge()
            columns = writer.finish(self._mended())
        if not self.report.refused:
            (self.folder / REFUSED).unlink()
        report = self.report
        report.mapping = report.mapping.renamed(writer.names.stored)
        report.notes = [*self.source.notes, *writer.names.notes(), *report.notes]
        report.splits = {split: self.splits[split] for split in ("train", "test", "validation") if self.splits[split]}
        content = writer.digest(json.dumps(report.mapping.to_dict(), sort_keys=True), self._split_rule())
        return {
            "name": report.name,
            "rows": report.rows,
            "refused": report.refused,
            "columns": [column.to_dict() for column in columns],
            "mapping": report.mapping.to_dict(),
            "label": report.label,
            "splits": report.splits,
            "hash": content,
            "source": self.source.name,
            "recipe": {
                "kind": "import",
                "keep_good": self.keep_good,
                "test_fraction": self.test_fraction,
                "reasons": report.reasons,
                "forms": report.forms,
            },
        }

    def _split_rule(self) -> str:
        return "column" if self.report.mapping["split"] else f"hash {self.test_fraction}"

    def _read(self, writer: RowsWriter, refused: IO[str]) -> None:
        """Rows go to the writer, refusals to their file; once the import is bound to fail, rows are only counted."""
        report, source = self.report, self.source
        judge = Judge(report.mapping, self.test_fraction)
        flushed = 0
        for batch in self._reported(source.batches()):
            good = judge(batch, source.file)
            for item in good.refusals:
                report.refuse(item)
                refused.write(json.dumps(item.to_dict(), ensure_ascii=False) + "\n")
            report.rows += len(good.rows)
            self.forms.update(good.forms)
            if report.refused and not self.keep_good:
                continue
            self.keys.extend(good.keys)
            self.splits.update(good.splits)
            writer.add(good.rows, good.splits)
            if source.decoded - flushed > BATCH_SIZE:
                flushed = source.decoded
                writer.flush()
        self._tell_forms()

    def _tell_forms(self) -> None:
        self.report.forms = dict(self.forms.most_common())
        if self.forms:
            listed = ", ".join(f"{form} {rows:,}" for form, rows in self.report.forms.items())
            self.report.notes.append(f"Forms of the text: {listed}")

    def _reported(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches, telling `progress` of each."""
        report = self.report
        for batch in batches:
            report.rows_in += len(batch)
            if self.progress:
                self.progress(report.rows_in, self.source.estimate(report.rows_in))
            yield batch
        if self.progress:
            self.progress(report.rows_in, report.rows_in)

    def _judge(self) -> None:
        report = self.report
        if not report.rows:
            self._hand_over()
            raise _nothing(self.source.name, report.rows_in, report.refusals[0])
        if report.refused and not self.keep_good:
            self._hand_over()
            first = report.refusals[0]
            raise BadRows(
                f"{report.refused:,} of {report.rows_in:,} rows of {self.source.name} cannot be read; "
                f"the first is {first.place}: {first.reason}.",
                f"Mend the file, or import again with --keep-good to keep the {report.rows:,} good rows.",
                report,
            )

    def _hand_over(self) -> None:
        if self.refused_file is not None:
            self.refused_file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / REFUSED, self.refused_file)

    def _mended(self) -> dict[int, str]:
        """Another split for some rows, where hashing made a useless one."""
        held_out, kept = self.splits["test"], self.report.rows
        if self.report.mapping["split"] or not needs_forcing(kept, held_out, self.test_fraction):
            return {}
        test, note = forced(self.keys, self.test_fraction)
        before = [is_test(key, self.test_fraction) for key in self.keys]
        after = [key in test for key in self.keys]
        self.splits = Counter("test" if held_out else "train" for held_out in after)
        if note:
            self.report.notes.append(note)
        sides = enumerate(zip(before, after, strict=True), start=1)
        return {row_id: "test" if now else "train" for row_id, (was, now) in sides if was != now}
