"""Stored rows as columns to write: in order, batch by batch, split by split, with every refusal counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.data.columns import ROW_ID, SPLIT, STATUS, decode
from lib.data.datasets import DatasetInfo
from lib.data.mapping.reading import read_conversation
from lib.errors import BadInput, StorageError
from lib.export.fast import FastColumns, fast_columns
from lib.export.making import row_maker, tokenizer_of
from lib.export.options import ExportOptions
from lib.export.report import ExportReport
from lib.export.shapes import SCHEMAS, Made, Row
from lib.formats.jinja import TemplateError
from lib.progress import Progress
from lib.records import Conversation

BATCH_ROWS = 65_536  # stored row groups are about half as large, and hold some 32 MB at most
RENDER_ROWS = 1024  # rows that are Python objects at one time
LEAVE_OUT = "Or have such rows left out and counted (--keep-good)."

Columns = dict[str, Any]
"""Column -> its values: an Arrow array or a list, all of one length."""


class Rows:
    """The rows of a version under the options of an export. Use as a context manager.

    Raises:
        NotFound, ModelError: no such template or model.
    """

    def __init__(self, info: DatasetInfo, options: ExportOptions, report: ExportReport) -> None:
        self._info, self._options, self._report = info, options, report
        tokenizer = tokenizer_of(options)
        self._make = row_maker(options, tokenizer, report)
        self._names = SCHEMAS[options.columns].names
        self._fast: FastColumns | None = fast_columns(info, options, tokenizer)
        mapped = info.mapping.columns.values()
        self._kinds = {column.name: column.kind for column in info.columns if column.name in mapped}

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fast is not None:
            self._fast.__exit__()

    def batches(self, progress: Progress | None = None) -> Iterator[tuple[str, Columns]]:
        """Split (empty where they are not kept apart) and columns, in the order of the rows.

        Raises:
            BadInput: a row that cannot be carried, unless such rows are left out.
            StorageError: the stored file is missing or damaged.
        """
        done = 0
        for stored in self._stored():
            for split, batch in self._of_splits(stored):
                for columns in self._columns(self._without_rejected(batch)):
                    yield split, columns
            done += stored.num_rows
            if progress:
                progress(done, self._info.rows)

    def _stored(self) -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(self._info.rows_file) as file:
                names = [*self._kinds, ROW_ID, *({SPLIT, STATUS} & set(file.schema_arrow.names))]
                for group in range(file.num_row_groups):
                    yield from file.iter_batches(BATCH_ROWS, row_groups=[group], columns=names)
        except (OSError, pa.ArrowException) as error:
            raise StorageError(
                f"{self._info.rows_file} cannot be read.", "Restore it, or import the source again."
            ) from error

    def _of_splits(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        wanted, apart = self._options.split, self._options.split_files
        if wanted is None and not apart:
            yield "", batch
            return
        for split in [wanted] if wanted is not None else self._info.splits:
            yield split if apart else "", batch.filter(pc.equal(batch.column(SPLIT), split))

    def _without_rejected(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """As in training: what a person has rejected is not learned from."""
        if STATUS not in batch.schema.names:
            return batch
        kept = batch.filter(pc.not_equal(batch.column(STATUS), "rejected"))
        self._report.rejected += batch.num_rows - kept.num_rows
        return kept

    def _columns(self, batch: pa.RecordBatch) -> Iterator[Columns]:
        if self._fast is None:
            for rows in self._rendered(batch):
                yield dict(zip(self._names, _turned(rows, len(self._names)), strict=True))
        elif batch.num_rows:
            columns = self._fast.make(batch)
            odd = np.flatnonzero(pc.is_null(columns[0]).to_numpy(zero_copy_only=False))
            if len(odd):
                rendered = [row for rows in self._rendered(batch.take(pa.array(odd))) for row in rows]
                columns = _spliced(columns, odd, rendered)
            yield dict(zip(self._names, columns, strict=True))

    def _rendered(self, batch: pa.RecordBatch) -> Iterator[list[list[Row]]]:
        """Rows of each stored row, none for one that is left out; some stored rows at a time."""
        for start in range(0, batch.num_rows, RENDER_ROWS):
            yield self._made(batch.slice(start, RENDER_ROWS))

    def _made(self, batch: pa.RecordBatch) -> list[list[Row]]:
        read = list(self._read(batch))
        made = iter(self._make([found for found in read if isinstance(found, Conversation)]))
        return [
            self._kept(row_id, next(made) if isinstance(found, Conversation) else found)
            for row_id, found in zip(batch.column(ROW_ID).to_pylist(), read, strict=True)
        ]

    def _read(self, batch: pa.RecordBatch) -> Iterator[Conversation | BadInput]:
        """Each row as a conversation, or why it is none."""
        values = {name: batch.column(name).to_pylist() for name in self._kinds}
        for number in range(batch.num_rows):
            row = {name: decode(values[name][number], kind) for name, kind in self._kinds.items()}
            try:
                yield read_conversation(row, self._info.mapping)
            except BadInput as error:
                yield error

    def _kept(self, row_id: int, made: Made | BadInput) -> list[Row]:
        """The rows, none where they are left out, with the reason counted."""
        if isinstance(made, list):
            self._report.unrolled += self._options.unroll and len(made) > 1
            return made
        if isinstance(made, str):
            self._report.leave_out(made, row_id)
        elif self._options.keep_good:
            self._report.leave_out(made.message, row_id)
        else:
            remedy = "Mend the template there." if isinstance(made, TemplateError) else made.hint
            raise BadInput(f"Row {row_id}: {made.message}", f"{remedy} {LEAVE_OUT}") from made
        return []


def _turned(made: list[list[Row]], width: int) -> list[list[Any]]:
    """The rows of stored rows as columns."""
    rows = [row for some in made for row in some]
    return [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _spliced(columns: list[pa.Array], odd: Any, made: list[list[Row]]) -> list[pa.Array]:
    """Columns with the rendered rows at the places of the odd ones, be they none, one or several each."""
    size = len(columns[0])
    counts = np.ones(size, int)
    counts[odd] = [len(rows) for rows in made]
    first = np.arange(size)
    first[odd] = size + np.cumsum(counts[odd]) - counts[odd]
    order = np.repeat(first, counts)
    order += np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    rendered = _turned(made, len(columns))
    return [
        pa.concat_arrays([column, pa.array(values, column.type)]).take(pa.array(order))
        for column, values in zip(columns, rendered, strict=True)
    ]
