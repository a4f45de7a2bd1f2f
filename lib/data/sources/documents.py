"""Rows of one JSON document: a list of objects, an object around one, or an object of equally long columns.

The text is held in memory; rows are decoded one at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from lib.data.sources.items import TEXT_LIMIT, EmptySource, Item, Meter, Refusal, as_row, refusal
from lib.data.sources.sniff import FileKind
from lib.data.sources.unpacking import metered, read_all
from lib.errors import BadInput

ONE_CONVERSATION = ("messages", "conversations", "conversation")


def read_json(path: Path, kind: FileKind, meter: Meter) -> Iterator[Item]:
    """Read a document. Where a list breaks off, the rows before are kept and the place is refused.

    Raises:
        BadInput: no rows can be found in it; says what it holds.
    """
    with metered(path, kind.packing, meter) as file:
        text = read_all(file).decode(kind.encoding.name, "surrogateescape")
    meter.decoded += len(text)
    doubtful = kind.encoding.damaged or "\\ud" in text or "\\uD" in text
    start = WHITESPACE.match(text, 0).end()
    items = _list_items(text, start + 1) if text[start] == "[" else _object_items(text, start, path, meter)
    empty = True
    for item in items:
        empty = False
        yield as_row(item[0], item[1], item[1], doubtful) if isinstance(item, tuple) else item
    if empty:
        raise EmptySource(f"{path.name} holds an empty list.", "Choose a file that has rows in it.")


def _list_items(text: str, position: int) -> Iterator[Any]:
    """Items after the opening bracket, numbered from 1."""
    decode = json.JSONDecoder().raw_decode
    number = 0
    position = WHITESPACE.match(text, position).end()
    if text[position : position + 1] == "]":
        return
    while True:
        number += 1
        try:
            value, end = decode(text, position)
        except (ValueError, RecursionError) as error:
            yield _cut(text, position, number, error)
            return
        yield number, value
        position = WHITESPACE.match(text, end).end()
        mark = text[position : position + 1]
        if mark == "]":
            return
        if mark != ",":
            yield _cut(text, position, number + 1, json.JSONDecodeError("comma expected", text, position))
            return
        position = WHITESPACE.match(text, position + 1).end()


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"


def _cut(text: str, start: int, number: int, error: Exception) -> Refusal:
    position = getattr(error, "pos", start)
    unfinished = str(error).startswith("Unterminated") or position >= len(text.rstrip())
    what = "breaks off" if unfinished else "is not valid JSON"
    reason = f"the list {what} at {_place(text, position)}; this item and what follows were not read"
    return refusal(number, reason, text[start : start + TEXT_LIMIT])


def _object_items(text: str, start: int, path: Path, meter: Meter) -> Iterator[Any]:
    decode = json.JSONDecoder().raw_decode
    number = 0
    while start < len(text):
        try:
            value, end = decode(text, start)
        except (ValueError, RecursionError) as error:
            place = _place(text, getattr(error, "pos", start))
            if not number:
                hint = "Mend the file or save it again; a list of objects can be read up to the break."
                raise BadInput(f"{path.name} is not valid JSON at {place}.", hint) from error
            yield refusal(
                number + 1, f"not valid JSON at {place}; the rest was not read", text[start : start + TEXT_LIMIT]
            )
            return
        start = WHITESPACE.match(text, end).end()
        if not number and start >= len(text):
            yield from _unwrap(value, path, meter)
            return
        number += 1
        yield number, value


def _unwrap(document: dict[str, Any], path: Path, meter: Meter) -> Iterator[Any]:
    """Rows of the only object in a file."""
    lists = {key: value for key, value in document.items() if isinstance(value, list)}
    tables = [key for key, value in lists.items() if value and all(isinstance(item, dict) for item in value)]
    even = len({len(value) for value in lists.values()}) == 1
    if len(lists) == len(document) > len(tables) and (even or len(tables) != 1):
        yield from _columns(lists, path, meter)
    elif len(tables) > 1:
        listed = ", ".join(tables)
        raise BadInput(f"{path.name} holds several lists of rows: {listed}.", "Save the one you want as its own file.")
    elif tables and not _is_conversation(tables[0], lists[tables[0]]):
        meter.note(f"{path.name}: the rows are the list {tables[0]!r} inside its object.")
        yield from enumerate(lists[tables[0]], start=1)
    else:
        yield 1, document


def _is_conversation(key: str, items: list[Any]) -> bool:
    return key.lower() in ONE_CONVERSATION and bool({"role", "from"} & set(items[0]))


def _columns(lists: dict[str, list[Any]], path: Path, meter: Meter) -> Iterator[Any]:
    lengths = {key: len(value) for key, value in lists.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise BadInput(
            f"{path.name}: its columns are not equally long ({listed}).", "Mend the file, or save it as rows."
        )
    meter.note(f"{path.name}: its object holds one list a column.")
    for number, values in enumerate(zip(*lists.values(), strict=True), start=1):
        yield number, dict(zip(lists, values, strict=True))
