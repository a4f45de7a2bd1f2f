"""Columns as a file: JSONL, JSON, CSV or Parquet, batch after batch, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

GROUP_ROWS = 32_768
GROUP_BYTES = 32 << 20  # a row group of Parquet is written from so many rows or bytes on

FORMULA = r"^(?:[\t\r\n]|[\s\pZ\pC]*[=+\-@＝＋－＠])"
"""What a spreadsheet takes for the start of a formula: https://owasp.org/www-community/attacks/CSV_Injection.

Some read over spaces and invisible characters before it.
"""


class Writer(Protocol):
    """Takes columns, an Arrow array or a list each, and then `close`. `guarded`: cells that got an apostrophe."""

    guarded: int

    def write(self, columns: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


def open_writer(path: Path, ending: str, schema: pa.Schema) -> Writer:
    """A writer for one of the known endings, on a new file."""
    return _WRITERS[ending](path, schema)


def _lists(columns: dict[str, Any]) -> list[list[Any]]:
    return [values if isinstance(values, list) else values.to_pylist() for values in columns.values()]


class _Lines:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.guarded = 0
        self._names = schema.names
        self._file = path.open("wb")

    def write(self, columns: dict[str, Any]) -> None:
        self._file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in self._rows(columns))

    def _rows(self, columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for values in zip(*_lists(columns), strict=True):
            yield dict(zip(self._names, values, strict=True))

    def close(self) -> None:
        self._file.close()


class _Document(_Lines):
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__(path, schema)
        self._before = b"[\n"

    def write(self, columns: dict[str, Any]) -> None:
        for row in self._rows(columns):
            self._file.write(self._before + orjson.dumps(row))
            self._before = b",\n"

    def close(self) -> None:
        self._file.write(b"\n]\n" if self._before == b",\n" else b"[]\n")
        super().close()


class _Table:
    """Every cell in quotes, so that line breaks and separators in it are its own."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.guarded = 0
        self._schema = pa.schema([(name, pa.string()) for name in schema.names])
        options = pa_csv.WriteOptions(quoting_style="all_valid", quoting_header="none")
        self._file = pa_csv.CSVWriter(path, self._schema, write_options=options)

    def write(self, columns: dict[str, Any]) -> None:
        cells = [self._guarded(_texts(values)) for values in columns.values()]
        self._file.write_table(pa.Table.from_arrays(cells, schema=self._schema))

    def _guarded(self, cells: pa.StringArray) -> pa.StringArray:
        formulas = pc.match_substring_regex(cells, FORMULA)
        found = formulas.true_count
        self.guarded += found
        return pc.if_else(formulas, pc.binary_join_element_wise("'", cells, ""), cells) if found else cells

    def close(self) -> None:
        self._file.close()


def _texts(values: Any) -> pa.StringArray:
    if isinstance(values, pa.Array):
        return values
    return pa.array(
        [value if isinstance(value, str) else orjson.dumps(value).decode() for value in values], pa.string()
    )


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.guarded = 0
        self._schema = schema
        # Texts differ from row to row: dictionaries and bounds of them cost time and are of no use. The lightest
        # compression that still finds what rows have in common.
        self._file = pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=False
        )
        self._waiting: list[pa.Table] = []

    def write(self, columns: dict[str, Any]) -> None:
        self._waiting.append(pa.table(columns, schema=self._schema))
        rows, size = sum(table.num_rows for table in self._waiting), sum(table.nbytes for table in self._waiting)
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting))
            self._waiting = []

    def close(self) -> None:
        self._flush()
        self._file.close()


_WRITERS: dict[str, Callable[[Path, pa.Schema], Writer]] = {
    ".jsonl": _Lines,
    ".json": _Document,
    ".csv": _Table,
    ".parquet": _Parquet,
}
