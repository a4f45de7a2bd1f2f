"""One reader a format: rows out with their numbers, unreadable ones as refusals, memory flat but for JSON documents."""

from __future__ import annotations

import base64
import csv
import datetime
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from lib.data.sniff import FileKind, open_bytes
from lib.errors import BadInput

TEXT_LIMIT = 500  # characters of a refused row that are kept
FIELD_LIMIT = 64 << 20  # characters of one CSV field; an unclosed quote must not swallow a whole file
BATCH_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that cannot be read. `row` counts from 1: lines of a text file, items of a JSON list or table.

    `text` is its beginning as it stands in the source, `file` the file of a folder that holds it.
    """

    row: int
    reason: str
    text: str = ""
    file: str = ""

    def to_dict(self) -> dict[str, Any]:
        named = {"file": self.file} if self.file else {}
        return {"row": self.row, "reason": self.reason, "text": self.text, **named}


Row = dict[str, Any]
Item = tuple[int, Row] | Refusal


class EmptySource(BadInput):
    """A file that can be read and holds no rows."""


@dataclass
class Meter:
    """How far the reading has come: `decoded` units (bytes or characters) in all, and the share of the source."""

    decoded: int = 0
    size: int = 0
    before: int = 0
    file: IO[bytes] | None = None
    rows: int | None = None
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def share(self) -> float | None:
        """Share of the source's bytes read so far, 0 to 1; None when that is not known."""
        if not self.size or self.file is None or self.file.closed:
            return None
        return min(1.0, (self.before + self.file.tell()) / self.size)


def refusal(row: int, reason: str, raw: Any, file: str = "") -> Refusal:
    """A `Refusal` that shows the beginning of `raw`, whatever it is."""
    text = raw if isinstance(raw, str) else json.dumps(plain(raw), ensure_ascii=False)
    return Refusal(row, reason, text[:TEXT_LIMIT].encode("utf-8", "replace").decode(), file)


def has_surrogates(value: Any) -> bool:
    """Whether text anywhere in a JSON value cannot be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def describe(value: Any) -> str:
    """A JSON value's type in words, for reasons: "a list", "a number"."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "a number")


def _json_reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON at column {error.colno} ({error.msg})"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start + 1}"
    return "nested too deeply" if isinstance(error, RecursionError) else f"not valid JSON ({error})"


def read_jsonl(path: Path, kind: FileKind, meter: Meter) -> Iterator[Item]:
    """One object a line; blank lines are passed over."""
    decode = json.JSONDecoder().raw_decode
    wide = kind.encoding.name.startswith(("utf-16", "utf-32"))
    codec = "utf-8" if wide else kind.encoding.name.removesuffix("-sig")
    with _byte_lines(path, kind, meter, wide) as lines:
        for number, line in enumerate(lines, start=1):
            meter.decoded += len(line)
            try:
                text = line.decode(codec).strip(" \t\r\n\ufeff")
                if not text:
                    continue
                row, end = decode(text)
            except (ValueError, RecursionError) as error:
                yield refusal(number, _json_reason(error), line.decode(codec, "replace").rstrip("\r\n"))
                continue
            if end != len(text):
                yield refusal(number, f"not valid JSON at column {end + 1} (more after the object)", text)
            else:
                yield as_row(number, row, text, "\\ud" in text or "\\uD" in text)


def _byte_lines(path: Path, kind: FileKind, meter: Meter, wide: bool) -> IO[bytes]:
    file = metered(path, kind, meter)
    if not wide:
        return file
    with file:
        return io.BytesIO(read_all(file).decode(kind.encoding.name, "replace").encode())


def as_row(number: int, row: Any, raw: Any, doubtful: bool) -> Item:
    """A decoded JSON value as a row; refused when it is no object, or (looked for if `doubtful`) not valid text."""
    if type(row) is not dict:
        return refusal(number, f"{describe(row)}, not an object", raw)
    if doubtful and has_surrogates(row):
        return refusal(number, "half of a surrogate pair, which is not text", raw)
    return number, row


def metered(path: Path, kind: FileKind, meter: Meter) -> io.BufferedReader:
    """The unpacked bytes of a file that `meter` watches from now on."""
    file = open_bytes(path, kind.packed)
    meter.file = file.fileobj if kind.packed else file  # type: ignore[attr-defined]
    return file


def read_all(file: io.BufferedReader) -> bytes:
    """Everything there is; of packed data that breaks off, what comes before the break."""
    chunks = []
    try:
        while chunk := file.read1(1 << 20):
            chunks.append(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        if not chunks:
            raise
    return b"".join(chunks)


def read_csv(path: Path, kind: FileKind, meter: Meter) -> Iterator[Item]:
    """Delimited text with a header; a row with more or fewer fields than the header is refused."""
    csv.field_size_limit(FIELD_LIMIT)
    strange = kind.encoding.damaged
    with io.TextIOWrapper(metered(path, kind, meter), kind.encoding.name, errors="surrogateescape", newline="") as file:
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
    names: list[str] = []
    for position, given in enumerate(record, start=1):
        name = given.strip() or f"column_{position}"
        while name in names:
            name = f"{name}_{position}"
        if name != given.strip():
            meter.note(f"{path.name}: column {position} ({given.strip()!r} in the header) is called {name!r}.")
        names.append(name)
    return names


def read_arrow(path: Path, kind: FileKind, meter: Meter) -> Iterator[Item]:
    """Parquet, or Arrow as file or stream. Dates become ISO text, decimals text, bytes UTF-8 or base64 text.

    Raises:
        BadInput: the file is damaged or of another kind.
    """
    import pyarrow as pa

    number = 0
    try:
        with metered(path, kind, meter) as file:
            for batch in _arrow_batches(io.BytesIO(file.read()) if kind.packed else file, kind, meter):
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


def plain(value: Any) -> Any:
    """A value as JSON has it: what JSON has no type for becomes text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return _bytes_text(bytes(value))
    dated = isinstance(value, (datetime.datetime, datetime.date, datetime.time))
    return value.isoformat() if dated else str(value)


def _bytes_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
