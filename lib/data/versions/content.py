"""The rows of a new version: in blocks that fit into memory, written in order, hashed on the way.

The content hash of a version is the SHA-256, in hexadecimal, of

    the columns (names and kinds, in order) and the mapping, as JSON with sorted keys
    for each column, then row id and split, two digests of its values in the order of the row ids:
        the length of each as a little-endian 32-bit number: UTF-8 bytes of text, 1 of anything else, -1 of null
        the values, nulls left out: UTF-8 of text and JSON, 64-bit numbers, a byte for a boolean

So it depends on neither files nor batches, and equal content that was saved, restored or branched here has an equal
hash. That of an import is another one, taken while the types of its columns are still being found: it tells only
whether two imports have the same content.
Status, tags and notes are about the content, not of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.data.columns import ARROW, NOTE, ROW_ID, SPLIT, STATUS, TAGS, Column
from lib.data.datasets import DatasetInfo
from lib.data.mapping.roles import Mapping
from lib.errors import StorageError

BLOCK_ROWS = 1 << 16
BLOCK_SIZE = 32 << 20  # bytes of a block's rows, unpacked
GROUP_ROWS = 8192  # one row on a page costs the reading of a row group


class ContentHash:
    """The content hash of rows that come in the order of their ids."""

    def __init__(self, columns: Iterable[Column], mapping: Mapping) -> None:
        self._columns, self._mapping = list(columns), mapping
        names = [*(column.name for column in self._columns), ROW_ID, SPLIT]
        self._digests = {name: (sha256(), sha256()) for name in names}

    def update(self, rows: pa.Table) -> None:
        """Take rows: a table with these columns, the row id and the split."""
        for name, (lengths, data) in self._digests.items():
            for chunk in rows.column(name).chunks:
                lengths.update(_lengths(chunk))
                data.update(_data(chunk.drop_null()))

    def hexdigest(self) -> str:
        head = {"columns": [column.to_dict() for column in self._columns], "mapping": self._mapping.to_dict()}
        total = sha256(json.dumps(head, sort_keys=True, ensure_ascii=False).encode())
        for digests in self._digests.values():
            for digest in digests:
                total.update(digest.digest())
        return total.hexdigest()


def _lengths(values: pa.Array) -> Any:
    is_text = pa.types.is_string(values.type)
    lengths = pc.binary_length(values).fill_null(-1) if is_text else pc.if_else(values.is_valid(), 1, -1)
    return lengths.to_numpy(zero_copy_only=False).astype("<i4")


def _data(values: pa.Array) -> Any:
    """The bytes of values without nulls."""
    if not len(values):
        return b""
    if not pa.types.is_string(values.type):
        return values.cast(pa.uint8() if pa.types.is_boolean(values.type) else values.type).to_numpy()
    _, offsets, data = values.buffers()
    ends = np.frombuffer(offsets, "<i4")[values.offset :][: len(values) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])] if data is not None else b""


def content_hash(info: DatasetInfo) -> str:
    """The content hash of a version's stored rows.

    Raises:
        StorageError: the stored file is missing or damaged.
    """
    found = ContentHash(info.columns, info.mapping)
    names = [*(column.name for column in info.columns), ROW_ID, SPLIT]
    try:
        with pq.ParquetFile(info.rows_file) as file:
            for batch in file.iter_batches(GROUP_ROWS, columns=names):
                found.update(pa.Table.from_batches([batch]))
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{info.rows_file} cannot be read.", "Restore it, or import the source again.") from error
    return found.hexdigest()


def blocks(info: DatasetInfo) -> Iterator[tuple[int, int]]:
    """First and last row id of stored blocks of rows, in order; each block fits into memory."""
    metadata = pq.read_metadata(info.rows_file)
    column = metadata.schema.names.index(ROW_ID)
    first, last, rows, size = None, 0, 0, 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if first is not None and (rows + group.num_rows > BLOCK_ROWS or size + group.total_byte_size > BLOCK_SIZE):
            yield first, last
            first, rows, size = None, 0, 0
        found = group.column(column).statistics
        first, last = found.min if first is None else first, found.max
        rows, size = rows + group.num_rows, size + group.total_byte_size
    if first is not None:
        yield first, last


def schema(columns: Iterable[Column]) -> pa.Schema:
    """What `rows.parquet` of a saved version holds."""
    fields: list[tuple[str, pa.DataType]] = [(column.name, ARROW[column.kind]) for column in columns]
    fields += [(ROW_ID, pa.int64()), (SPLIT, pa.string()), (STATUS, pa.string())]
    return pa.schema([*fields, (TAGS, pa.list_(pa.string())), (NOTE, pa.string())])


def open_writer(path: Path, columns: Iterable[Column]) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema(columns), compression="zstd")
