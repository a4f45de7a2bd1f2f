"""Readers of tables: delimited text, Parquet and Arrow. Rows out with their numbers, unreadable ones as refusals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lib.data.sources.items import (
    BATCH_ROWS,
    TEXT_LIMIT,
    EmptySource,
    Item,
    Meter,
    Refusal,
    has_surrogates,
    plain,
    refusal,
)
from lib.data.sources.sniff import FileKind
from lib.data.sources.unpacking import metered
from lib.errors import BadInput

NOTES = 10  # renamed columns that are told one by one
FIELD_LIMIT = 64 << 20  # characters of one CSV field; an unclosed quote must not swallow a whole file


def read_csv(path: Path, kind: FileKind, meter: Meter) -> Iterator[Item]:
    """Delimited text with a header; a row with more or fewer fields than the header is refused."""
    csv.field_size_limit(FIELD_LIMIT)
    strange = kind.encoding.damaged
    with io.TextIOWrapper(
        metered(path, kind.packing, meter), kind.encoding.name, errors="surrogateescape", newline=""
    ) as file:
        seen: list[str] = []
        table = csv.reader(_recorded(file, seen, meter), delimiter=kind.delimiter, strict=True)
        header: list[str] | None = None
        empty = True
        for number, record in _records(table, seen):
            if header is None:
                if isinstance(record, csv.Error):
                    raise BadInput(f"{path.name}: the header cannot be read ({record}).", "Mend its first line.")
                header = _header(record, path, meter)
                continue
            empty = False
            if isinstance(record, csv.Error):
                yield refusal(number, f"not valid CSV ({record})", "".join(seen))
            elif len(record) != len(header):
                yield refusal(number, f"{len(record)} fields, {len(header)} expected", "".join(seen))
            elif strange and has_surrogates(record):
                yield refusal(number, f"bytes that are not {kind.encoding.name}", "".join(seen))
            else:
                yield number, dict(zip(header, record, strict=True))
    if empty:
        raise EmptySource(f"{path.name} has a header and no rows.", "Choose a file that has rows in it.")


def _recorded(file: IO[str], seen: list[str], meter: Meter) -> Iterator[str]:
    for line in file:
        meter.decoded += len(line)
        if len(seen) < 8:
            seen.append(line[:TEXT_LIMIT])
        yield line


def _records(table: Any, seen: list[str]) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Records with the line each begins on; an unreadable one comes as the error itself."""
    while True:
        start = table.line_num + 1
        seen.clear()
        try:
            record = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, error
            continue
        if record:
            yield start, record


def _header(record: list[str], path: Path, meter: Meter) -> list[str]:
    names: dict[str, None] = {}
    notes: list[str] = []
    for position, given in enumerate(record, start=1):
        name = given.strip() or f"column_{position}"
        while name in names:
            name = f"{name}_{position}"
        if name != given.strip():
            notes.append(f"{path.name}: column {position} ({given.strip()!r} in the header) is called {name!r}.")
        names[name] = None
    for note in notes[:NOTES]:
        meter.note(note)
    if len(notes) > NOTES:
        meter.note(f"{path.name}: {len(notes) - NOTES:,} more columns have no name of their own in the header.")
    return list(names)


def read_arrow(path: Path, kind: FileKind, meter: Meter) -> Iterator[Item]:
    """Parquet, or Arrow as file or stream. Dates become ISO text, decimals text, bytes UTF-8 or base64 text.

    Raises:
        BadInput: the file is damaged or of another kind.
    """
    import pyarrow as pa

    number = 0
    try:
        with metered(path, kind.packing, meter) as file:
            for batch in _arrow_batches(io.BytesIO(file.read()) if kind.packing else file, kind, meter):
                meter.decoded += batch.nbytes
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: plain(value) for name, value in row.items()}
    except UnicodeDecodeError:
        yield Refusal(number + 1, "text that is not UTF-8; this row and the rest of the file were not read")
    except (pa.ArrowException, OSError, ValueError) as error:
        if number:
            yield Refusal(number + 1, "the file is damaged here; this row and the rest were not read")
        else:
            hint = "It may be cut off or of another kind: write or download it again."
            raise BadInput(f"{path.name} is not a readable {kind.format.capitalize()} file.", hint) from error
    if not number:
        raise EmptySource(f"{path.name} has no rows.", "Choose a file that has rows in it.")


def _arrow_batches(file: IO[bytes], kind: FileKind, meter: Meter) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind.format == "parquet":
        parquet = pq.ParquetFile(file)
        meter.rows = (meter.rows or 0) + parquet.metadata.num_rows
        yield from parquet.iter_batches(batch_size=BATCH_ROWS)
        return
    head = file.read(6)
    file.seek(0)
    if head == b"ARROW1":
        arrow = pa.ipc.open_file(file)
        for index in range(arrow.num_record_batches):
            yield from _small(arrow.get_batch(index))
    else:
        for batch in pa.ipc.open_stream(file):
            yield from _small(batch)


def _small(batch: Any) -> Iterator[Any]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)
