"""What an edited row is now: review status, tags, note, split, whether it is deleted, and the columns that differ."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from lib.data.columns import INT64, Column, Kind
from lib.data.splits.hashed import SPLITS
from lib.errors import BadInput

Status = Literal["pending", "accepted", "rejected"]
STATUSES: tuple[str, ...] = get_args(Status)
TAG_LENGTH = 40  # characters
NOTE_LENGTH = 2000


@dataclass(frozen=True)
class RowState:
    """The whole state of a row in a working copy. `values` maps a column to its new value, as JSON has it.

    `seq` is the row's version: the number of the journal entry that made it so, 0 for a row as it was saved.
    """

    seq: int = 0
    deleted: bool = False
    split: str = "train"
    status: str = "pending"
    tags: tuple[str, ...] = ()
    note: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Everything but `seq`."""
        return {
            "deleted": self.deleted,
            "split": self.split,
            "status": self.status,
            "tags": list(self.tags),
            "note": self.note,
            "values": self.values,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any], seq: int) -> RowState:
        return cls(**{**value, "tags": tuple(value["tags"]), "seq": seq})

    def changed(self, **fields: Any) -> RowState:
        """The same state with other fields; `values` are added to those there are.

        Raises:
            BadInput: an unknown status or split, a tag or note that cannot be stored.
        """
        if "values" in fields:
            fields["values"] = {**self.values, **fields["values"]}
        if "tags" in fields:
            fields["tags"] = tuple(sorted({check_tag(tag) for tag in fields["tags"]}))
        new = replace(self, **fields)
        if new.status not in STATUSES:
            raise BadInput(f"There is no status {new.status!r}.", f"Known: {', '.join(STATUSES)}.")
        if new.split not in SPLITS:
            raise BadInput(f"There is no split {new.split!r}.", f"Known: {', '.join(SPLITS)}.")
        if len(new.note) > NOTE_LENGTH:
            raise BadInput(f"The note has {len(new.note):,} characters.", f"Write {NOTE_LENGTH:,} at most.")
        if not _is_unicode(new.note):
            raise BadInput("The note has broken characters in it.", "Write it anew.")
        return new

    def same_as(self, other: RowState) -> bool:
        """Whether nothing differs but perhaps `seq`."""
        if self.values.keys() != other.values.keys():
            return False
        plain = replace(self, seq=0, values={}) == replace(other, seq=0, values={})
        return plain and all(same_value(value, other.values[name]) for name, value in self.values.items())


def check_tag(tag: str) -> str:
    """A tag in its stored form.

    Raises:
        BadInput: empty, too long, or with a comma or a line break in it.
    """
    text = tag.strip()
    if not text or len(text) > TAG_LENGTH or "," in text or not text.isprintable():
        raise BadInput(f"{tag!r:.60} cannot be a tag.", f"Use 1 to {TAG_LENGTH} characters, no commas.")
    return text


def check_values(values: dict[str, Any], columns: Iterable[Column]) -> dict[str, Any]:
    """Values of columns in their stored form; None is null in every column.

    Raises:
        BadInput: a column that is not there, or a value that it cannot hold.
    """
    known = {column.name: column.kind for column in columns}
    checked = {}
    for name, value in values.items():
        if name not in known:
            raise BadInput(f"There is no column {name!r:.60}.", f"Columns: {', '.join(known)}.")
        try:
            checked[name] = None if value is None else _stored(value, known[name])
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise BadInput(
                f"The column {name} holds {known[name]} values; {value!r:.60} cannot be one.", "Write another."
            ) from error
    return checked


def _stored(value: Any, kind: Kind) -> Any:
    """Raises:
    TypeError, ValueError, OverflowError, RecursionError: the kind does not hold such values.
    """
    if kind == "json":
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        return json.loads(text)
    wanted: dict[str, tuple[type, ...]] = {"text": (str,), "integer": (int,), "float": (int, float), "boolean": (bool,)}
    if type(value) not in wanted[kind]:
        raise TypeError(kind)
    if kind == "text":
        value.encode()
    if kind == "integer" and not -INT64 <= value < INT64:
        raise OverflowError(kind)
    if kind == "float":
        value = float(value)
        if not math.isfinite(value):
            raise ValueError(kind)
    return value


def same_value(one: Any, other: Any) -> bool:
    """Whether two values are the same in JSON: 1, 1.0 and true are three."""
    return json.dumps(one) == json.dumps(other)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
