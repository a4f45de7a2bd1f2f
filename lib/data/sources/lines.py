"""JSON Lines, decoded a block of lines at a time.

orjson decodes; lines that it refuses, or might read otherwise than Python's json, are read by that: integers beyond 64
bits stay exact, NaN and Infinity are numbers, and every fault is told with its column.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from lib.data.sources.items import BROKEN, Batch, Item, Meter, as_row, broken_off, refusal
from lib.data.sources.sniff import BLANK, FileKind
from lib.data.sources.unpacking import metered, read_all
from lib.errors import BadInput

BLOCK_SIZE = 1 << 20  # bytes
LINE_LIMIT = 1 << 30  # bytes; a longer line is no row but a file without line ends
LONG_NUMBER = re.compile(rb"[0-9]{19}")  # digits of the shortest integers that 64 bits may not hold
_DIGITS = bytes(ord("0") if chr(byte).isdigit() else ord(" ") for byte in range(128)) + b" " * 128


def read_jsonl(path: Path, kind: FileKind, meter: Meter) -> Iterator[Batch]:
    """One object a line; blank lines are passed over.

    Raises:
        BadInput: a line beyond all measure.
        one of `BROKEN`: packed data that is damaged before its first row.
    """
    wide = kind.encoding.name.startswith(("utf-16", "utf-32"))
    codec = "utf-8" if wide else kind.encoding.name.removesuffix("-sig")
    number = 1
    with _bytes(path, kind, meter, wide) as file:
        try:
            for block in _blocks(file, path):
                meter.decoded += len(block)
                batch = _decoded(block, number, codec)
                number += block.count(b"\n") + 1
                del block  # a long line is not to be held while its row is stored
                if batch:
                    yield batch
        except BROKEN:
            if number == 1:
                raise
            yield Batch((), [], [broken_off(number)])


def _bytes(path: Path, kind: FileKind, meter: Meter, wide: bool) -> io.BufferedReader:
    file = metered(path, kind.packing, meter)
    if not wide:
        return file
    with file:
        text = read_all(file).decode(kind.encoding.name, "replace")
    return io.BufferedReader(io.BytesIO(text.encode()))


def _blocks(file: io.BufferedReader, path: Path) -> Iterator[bytes]:
    """Whole lines, about `BLOCK_SIZE` at a time, without the last line end."""
    begun: list[bytes] = []
    while chunk := file.read1(BLOCK_SIZE):
        lines, end, rest = chunk.rpartition(b"\n")
        if end:
            block = b"".join([*begun, lines])
            begun = [rest]
            yield block
            continue
        begun.append(chunk)
        if len(begun) * BLOCK_SIZE > LINE_LIMIT and sum(map(len, begun)) > LINE_LIMIT:
            raise BadInput(
                f"{path.name} has a line of more than {LINE_LIMIT >> 20:,} MB.", "Write one row a line, or a JSON list."
            )
    begun = [b"".join(begun)]
    if begun[0]:
        yield begun.pop()


def _decoded(block: bytes, first: int, codec: str) -> Batch:
    """The rows of a block, all at once where nothing is odd about it, line by line otherwise."""
    loads = orjson.loads if codec == "utf-8" else lambda line: orjson.loads(line.decode(codec))
    suspicious = b"0" * 19 in block.translate(_DIGITS)
    lines = block.split(b"\n")
    if not suspicious:
        try:
            rows = list(map(loads, lines))
        except ValueError:
            rows = []
        if set(map(type, rows)) == {dict}:
            return Batch(range(first, first + len(rows)), rows)
    written = ((number, line) for number, line in enumerate(lines, first) if line.strip(BLANK))
    return Batch.of([_item(number, line, codec, loads) for number, line in written])


def _item(number: int, line: bytes, codec: str, loads: Callable[[bytes], Any]) -> Item:
    if not LONG_NUMBER.search(line):
        try:
            if type(row := loads(line)) is dict:
                return number, row
        except ValueError:
            pass  # read again below, for exact values or a fault with its place
    return _slowly(number, line, codec)


def _slowly(number: int, line: bytes, codec: str) -> Item:
    try:
        text = line.decode(codec).strip(" \t\r\n\ufeff")
        row, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        return refusal(number, _reason(error), line.decode(codec, "replace").rstrip("\r\n"))
    if end != len(text):
        return refusal(number, f"not valid JSON at column {end + 1} (more after the object)", text)
    return as_row(number, row, text, "\\ud" in text or "\\uD" in text)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON at column {error.colno} ({error.msg})"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start + 1}"
    return "nested too deeply" if isinstance(error, RecursionError) else f"not valid JSON ({error})"
