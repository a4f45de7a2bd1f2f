"""What readers give: rows with their numbers and refusals of those that cannot be read, in batches."""

from __future__ import annotations

import base64
import datetime
import gzip
import json
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from lib.errors import BadInput

TEXT_LIMIT = 500  # characters of a refused row that are kept
BATCH_ROWS = 1024
BATCH_SIZE = 8 << 20  # bytes or characters decoded for one batch
BATCH_SECONDS = 0.5  # a slow source still gives a batch that often, so that an import can be watched and stopped
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)
"""What packed data raises that breaks off or is damaged."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that cannot be read. `row` counts from 1: lines of a text file, items of a JSON list or table.

    `text` is its beginning as it stands in the source, `file` the file of a folder that holds it.
    """

    row: int
    reason: str
    text: str = ""
    file: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}, row {self.row}" if self.file else f"row {self.row}"

    def to_dict(self) -> dict[str, Any]:
        named = {"file": self.file} if self.file else {}
        return {"row": self.row, "reason": self.reason, "text": self.text, **named}


Row = dict[str, Any]
Item = tuple[int, Row] | Refusal


@dataclass(slots=True)
class Batch:
    """Some rows of one file, `numbers[i]` being the number of `rows[i]`, and the rows between them that are refused."""

    numbers: Sequence[int]
    rows: list[Row]
    refusals: list[Refusal] = field(default_factory=list)

    @classmethod
    def of(cls, items: Sequence[Item]) -> Batch:
        good = [item for item in items if isinstance(item, tuple)]
        refusals = [item for item in items if isinstance(item, Refusal)]
        return cls([number for number, _ in good], [row for _, row in good], refusals)

    def __len__(self) -> int:
        return len(self.rows) + len(self.refusals)

    def items(self) -> list[Item]:
        """Rows and refusals in the order of the file."""
        if not self.refusals:
            return list(zip(self.numbers, self.rows, strict=True))
        both: list[Item] = [*zip(self.numbers, self.rows, strict=True), *self.refusals]
        return sorted(both, key=lambda item: item.row if isinstance(item, Refusal) else item[0])


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


def batched(items: Iterator[Item], meter: Meter) -> Iterator[Batch]:
    """Items in batches that neither their number, nor their size, nor the wait for them lets grow long."""
    taken: list[Item] = []
    size, began = meter.decoded, time.monotonic()
    for item in items:
        taken.append(item)
        late = time.monotonic() - began > BATCH_SECONDS
        if late or len(taken) >= BATCH_ROWS or meter.decoded - size > BATCH_SIZE:
            yield Batch.of(taken)
            taken, size, began = [], meter.decoded, time.monotonic()
    if taken:
        yield Batch.of(taken)


def unbroken(items: Iterator[Item]) -> Iterator[Item]:
    """Turn packed data that breaks off into a refusal after the rows that could be unpacked.

    Raises:
        one of `BROKEN`: there were none.
    """
    last = 0
    try:
        for item in items:
            last = item.row if isinstance(item, Refusal) else item[0]
            yield item
    except BROKEN:
        if not last:
            raise
        yield broken_off(last + 1)


def broken_off(row: int) -> Refusal:
    """The refusal of what follows where packed data breaks off."""
    return Refusal(row, "the packed file breaks off here; the rest was not read")


def refusal(row: int, reason: str, raw: Any, file: str = "") -> Refusal:
    """A `Refusal` that shows the beginning of `raw`, whatever it is."""
    text = raw if isinstance(raw, str) else json.dumps(plain(raw), ensure_ascii=False)
    return Refusal(row, reason, text[:TEXT_LIMIT].encode("utf-8", "replace").decode(), file)


def as_row(number: int, row: Any, raw: Any, doubtful: bool) -> Item:
    """A decoded JSON value as a row; refused when it is no object, or (looked for if `doubtful`) not valid text."""
    if type(row) is not dict:
        return refusal(number, f"{describe(row)}, not an object", raw)
    if doubtful and has_surrogates(row):
        return refusal(number, "half of a surrogate pair, which is not text", raw)
    return number, row


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
