"""Writes rows to Parquet as they come, in flat memory, with one type a column in the end.

Types are found on the way. While they hold, batches go to one file. When a batch needs other types, a new segment is
begun; at the end segments are brought to the widest types in one more pass. Nearly every source needs one segment.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.data.columns import ARROW, ROW_ID, SPLIT, Column, ColumnNames, Found, Kind, encode, kind_of, stored_kind, wider

BATCH_ROWS = 32_768  # few and large: each batch hands the interpreter to and fro between two threads
BATCH_SIZE = 32 << 20  # decoded bytes of a source after which a batch is written, however few its rows
NULL_LENGTH = (1 << 64) - 1


class ColumnDigest:
    """Hash of one column's values, the same however they are cut into batches or typed."""

    def __init__(self, rows_before: int) -> None:
        self._lengths, self._data = sha256(), sha256()
        for start in range(0, rows_before, BATCH_ROWS):
            self._lengths.update(array("Q", [NULL_LENGTH] * min(BATCH_ROWS, rows_before - start)).tobytes())

    def update(self, values: pa.StringArray | Sequence[str | None]) -> None:
        """Take more values: a column of text as it is stored, or `texts` of any other."""
        if not isinstance(values, pa.StringArray):
            values = pa.array(values, pa.string())
        lengths = pc.utf8_length(values).cast(pa.uint64()).fill_null(pa.scalar(NULL_LENGTH, pa.uint64()))
        self._lengths.update(memoryview(lengths.buffers()[1])[: 8 * len(values)])
        if size := pc.sum(pc.binary_length(values)).as_py():
            self._data.update(memoryview(values.buffers()[2])[:size])

    @staticmethod
    def texts(values: Sequence[Any], stored: Sequence[Any], kind: Kind) -> list[str | None]:
        """What is hashed for values: text as it is, others as JSON after a mark. `stored` has that already for JSON."""
        if kind != "json":
            stored = encode(values, "json")
        pairs = zip(values, stored, strict=True)
        return [value if value is None or type(value) is str else "\0" + text for value, text in pairs]

    def digest(self) -> bytes:
        return self._lengths.digest() + self._data.digest()


class RowsWriter:
    """Writes `rows.parquet` into a folder: source columns, then the row id and the split.

    Use as a context manager, and call `finish` when all rows are in.
    """

    def __init__(self, folder: Path) -> None:
        self.names = ColumnNames()
        self.rows = 0
        self._folder = folder
        self._found: dict[str, Found] = {}
        self._digests: dict[str, ColumnDigest] = {}
        self._segments: list[tuple[Path, dict[str, Kind]]] = []
        self._file: pq.ParquetWriter | None = None
        self._batch: list[dict[str, Any]] = []
        self._splits: list[str] = []
        self._background = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def __enter__(self) -> RowsWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._background.shutdown()
        if self._file is not None:
            self._file.close()

    def add(self, rows: Sequence[dict[str, Any]], splits: Sequence[str]) -> None:
        """Take rows of JSON values without lone surrogates; the first of all has the id 1."""
        self._batch += rows
        self._splits += splits
        if len(self._batch) >= BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what was taken so far. Called by `add`; callers may call it sooner when rows are long."""
        if not self._batch:
            return
        self._register()
        columns = {stored: [row.get(name) for row in self._batch] for name, stored in self.names.stored.items()}
        before = self._stored()
        for name, values in columns.items():
            self._found[name] = wider(self._found[name], kind_of(values))
        kinds = self._stored()
        if self._file is None or before != kinds:
            self._begin_segment()
        stored = {name: encode(columns[name], kind) for name, kind in kinds.items()}
        arrays = {name: pa.array(stored[name], ARROW[kind]) for name, kind in kinds.items()}
        ids = pa.array(range(self.rows + 1, self.rows + len(self._batch) + 1), pa.int64())
        every = [*arrays.values(), ids, pa.array(self._splits, pa.string())]
        table = pa.Table.from_arrays(every, schema=self._schema(kinds))
        hashed = {
            name: arrays[name] if kind == "text" else ColumnDigest.texts(columns[name], stored[name], kind)
            for name, kind in kinds.items()
        }
        self._write(table, hashed)
        self.rows += len(self._batch)
        self._batch, self._splits = [], []

    def _register(self) -> None:
        known = self.names.stored.keys()
        if set().union(*self._batch) <= known:
            return
        for row in self._batch:
            if not row.keys() <= known:
                self.names.add(row)
        for stored in self.names.stored.values():
            if stored not in self._found:
                self._found[stored] = "none"
                self._digests[stored] = ColumnDigest(self.rows)

    def _stored(self) -> dict[str, Kind]:
        return {name: stored_kind(found) for name, found in self._found.items()}

    @staticmethod
    def _schema(kinds: dict[str, Kind]) -> pa.Schema:
        fields = [(name, ARROW[kind]) for name, kind in kinds.items()]
        return pa.schema([*fields, (ROW_ID, pa.int64()), (SPLIT, pa.string())])

    def _write(self, table: pa.Table, hashed: dict[str, Any]) -> None:
        """Hash and compress in the background: one batch at a time, so that two at most are held."""
        self._wait()
        assert self._file is not None
        self._writing = self._background.submit(self._hash_and_write, self._file, table, hashed)

    def _hash_and_write(self, file: pq.ParquetWriter, table: pa.Table, hashed: dict[str, Any]) -> None:
        for name, values in hashed.items():
            self._digests[name].update(values)
        file.write_table(table)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _begin_segment(self) -> None:
        self._end_segment()
        path = self._folder / f".segment{len(self._segments)}.parquet"
        self._segments.append((path, self._stored()))
        self._file = self._parquet(path)

    def _parquet(self, path: Path) -> pq.ParquetWriter:
        """A file with the least and greatest value of each row group, but for text: long ones are held five times."""
        kinds = self._stored()
        bounded = [name for name, kind in kinds.items() if ARROW[kind] != pa.string()]
        return pq.ParquetWriter(
            path, self._schema(kinds), compression="zstd", write_statistics=[*bounded, ROW_ID, SPLIT]
        )

    def _end_segment(self) -> None:
        self._wait()
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self, moved: dict[int, str] | None = None) -> list[Column]:
        """Complete `rows.parquet` and return its columns. `moved` gives another split to some row ids."""
        self.flush()
        if not self._segments:
            self._begin_segment()
        self._end_segment()
        target = self._folder / "rows.parquet"
        if len(self._segments) == 1 and not moved:
            self._segments[0][0].rename(target)
        else:
            self._merge(target, moved or {})
        return [Column(name, kind) for name, kind in self._stored().items()]

    def _merge(self, target: Path, moved: dict[int, str]) -> None:
        with self._parquet(target) as file:
            for path, kinds in self._segments:
                for batch in self._batches(path):
                    file.write_table(self._widened(batch, kinds, moved))
                path.unlink()

    @staticmethod
    def _batches(path: Path) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield from file.iter_batches(row_groups=[group], batch_size=BATCH_ROWS)

    def _widened(self, batch: pa.RecordBatch, kinds: dict[str, Kind], moved: dict[int, str]) -> pa.Table:
        arrays = []
        for name, kind in self._stored().items():
            if name not in kinds:
                arrays.append(pa.nulls(batch.num_rows, ARROW[kind]))
            elif kinds[name] == kind:
                arrays.append(batch.column(name))
            else:
                arrays.append(pa.array(encode(batch.column(name).to_pylist(), kind), ARROW[kind]))
        ids = batch.column(ROW_ID)
        splits = batch.column(SPLIT)
        if moved:
            pairs = zip(ids.to_pylist(), splits.to_pylist(), strict=True)
            splits = pa.array([moved.get(row_id, split) for row_id, split in pairs], pa.string())
        return pa.Table.from_arrays([*arrays, ids, splits], schema=self._schema(self._stored()))

    def digest(self, *more: str) -> str:
        """SHA-256 in hexadecimal over column names, values, and `more` (such as the mapping)."""
        total = sha256()
        for name, digest in self._digests.items():
            total.update(json.dumps(name).encode() + digest.digest())
        for text in more:
            total.update(b"\0" + text.encode())
        return total.hexdigest()
