"""Types of stored columns, and names that a query engine can tell apart.

A column is stored as text, integer (64 bits), float, boolean, or, when its values are of mixed or nested types, as JSON
text of each value. Reading gives back the value that came in; a missing key and null are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from lib.errors import BadInput

ROW_ID = "_row_id"
SPLIT = "_split"
STATUS = "_status"
TAGS = "_tags"
NOTE = "_note"
RESERVED = (ROW_ID, SPLIT, STATUS, TAGS, NOTE)
RESERVED_PREFIX = "_tandem"
Kind = Literal["text", "integer", "float", "boolean", "json"]
Found = Literal["none", "text", "integer", "long", "float", "boolean", "json"]
_SINGLE: dict[type, Found] = {str: "text", bool: "boolean", float: "float"}
_WIDER: dict[frozenset[str], Found] = {
    frozenset(("integer", "long")): "long",
    frozenset(("integer", "float")): "float",
}
_json = json.JSONEncoder(ensure_ascii=False).encode
ARROW = {"text": pa.string(), "integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_(), "json": pa.string()}
MAX_COLUMNS = 10_000  # beyond it keys are data, not names of columns
NOTES = 20  # renamed columns that are told one by one
EXACT = 1 << 53  # integers up to here are the same number as a float
INT64 = 1 << 63


@dataclass(frozen=True)
class Column:
    """A stored column. `kind` says how its values are encoded."""

    name: str
    kind: Kind

    def to_dict(self) -> dict[str, str]:
        return {"name": self.name, "kind": self.kind}


def kind_of(values: Sequence[Any]) -> Found:
    """What the values need. `none`: all are null; `long`: integers, some of which no float can hold exactly."""
    types = set(map(type, values)) - {type(None)}
    if not types:
        return "none"
    if len(types) == 1 and (name := _SINGLE.get(next(iter(types)))):
        return name
    if not types <= {int, float}:
        return "json"
    largest = max(abs(value) for value in values if type(value) is int)
    if types == {int}:
        return "integer" if largest <= EXACT else "long" if largest < INT64 else "json"
    return "float" if largest <= EXACT else "json"


def wider(one: Found, other: Found) -> Found:
    """What holds the values of both."""
    if other in (one, "none"):
        return one
    if one == "none":
        return other
    return _WIDER.get(frozenset((one, other)), "json")


def stored_kind(found: Found) -> Kind:
    """The kind of the column that keeps such values."""
    return "text" if found == "none" else "integer" if found == "long" else found


def encode(values: Sequence[Any], kind: Kind) -> Sequence[Any]:
    """Values as they are stored under `kind`."""
    if kind != "json":
        return values
    return [None if value is None else _json(value) for value in values]


def decode(value: Any, kind: Kind) -> Any:
    """A stored value as it came in."""
    return json.loads(value) if kind == "json" and value is not None else value


class ColumnNames:
    """Stored names of source columns: the same, unless two clash (engines ignore case) or one cannot be a name."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}
        self._taken = set(RESERVED)

    def add(self, names: Iterable[str]) -> None:
        """Take in names that are new.

        Raises:
            BadInput: too many of them.
        """
        for name in names:
            if name not in self.stored:
                self.stored[name] = self._free(name)
        if len(self.stored) > MAX_COLUMNS:
            raise BadInput(
                f"The rows have more than {MAX_COLUMNS:,} different columns.",
                "Keys that differ from row to row belong into a list or text; give each row the same columns.",
            )

    def _free(self, name: str) -> str:
        base = "".join(char if char.isprintable() else "_" for char in name).strip() or "column"
        if base.lower().startswith(RESERVED_PREFIX):
            base = "column" + base
        candidate, number = base, 2
        while candidate.lower() in self._taken:
            candidate, number = f"{base}_{number}", number + 1
        self._taken.add(candidate.lower())
        return candidate

    def notes(self) -> list[str]:
        """One line for each column that is called otherwise than in the source, for many of them a count."""
        renamed = [(old, new) for old, new in self.stored.items() if old != new]
        told = [f"Column {old!r} is stored as {new!r}." for old, new in renamed[:NOTES]]
        more = len(renamed) - NOTES
        return [*told, f"{more:,} more columns are stored under other names."] if more > 0 else told
