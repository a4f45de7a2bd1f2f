"""Rows that an import refused, in a file of JSON Lines that may be long: read in pieces, counted and cut by reason."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

OTHER = "other reasons"
_NUMBER = re.compile(r"\b\d+\b")


def reason_kind(reason: str) -> str:
    """What refusals are counted by: the reason without its numbers, which tell a place.

    "not valid JSON at column 17 (Expecting value)" gives "not valid JSON at column N (Expecting value)".
    """
    return _NUMBER.sub("N", reason)


def read(file: Path) -> Iterator[dict[str, Any]]:
    """Every refused row, `{"row", "reason", "text"}` and the `file` of a folder; none when there is no such file."""
    if file.exists():
        with file.open(encoding="utf-8") as lines:
            yield from map(orjson.loads, lines)


def count(file: Path) -> dict[str, int]:
    """Refused rows by kind of reason, the commonest first."""
    return dict(Counter(reason_kind(item["reason"]) for item in read(file)).most_common())


def of_kind(items: Iterable[dict[str, Any]], kind: str, kinds: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Those of one kind; `OTHER` stands for whatever is none of `kinds`."""
    known = set(kinds) - {OTHER}
    for item in items:
        found = reason_kind(item["reason"])
        if found == kind or (kind == OTHER and found not in known):
            yield item


def as_lines(items: Iterable[dict[str, Any]], limit: int) -> bytes:
    """The first `limit` of them as JSON Lines."""
    cut = itertools.islice(items, limit)
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in cut).encode()
