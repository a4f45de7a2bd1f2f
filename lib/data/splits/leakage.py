"""Rows of one side that give away rows of another: two splits of a dataset, or two datasets.

found = report(conversations(info, "train"), conversations(info, "test"), 0.8)
found.counts(); found.right_ids       # the test rows to leave out of an evaluation
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lib.data.checks.repeats import all_text, row_key
from lib.data.near import NearIndex
from lib.data.splits.rules import asked_key
from lib.errors import BadInput
from lib.progress import Progress
from lib.records import Conversation

Kind = Literal["exact", "question", "near"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""An exact copy; the same question; a near-duplicate. A row counts as the first of them that it is."""
EXAMPLES = 20  # of each kind
Rows = Iterable[tuple[int, Conversation]]


@dataclass(frozen=True)
class Leak:
    """A row of the right side, a row of the left side that gives it away, and how similar their words are, 0 to 1."""

    kind: Kind
    left: int
    right: int
    similarity: float


@dataclass(frozen=True)
class LeakageReport:
    """Ids of the rows of each side that have a fellow on the other one, ascending, by kind; and examples."""

    threshold: float
    left_rows: int
    right_rows: int
    left: Mapping[Kind, array[int]]
    right: Mapping[Kind, array[int]]
    examples: tuple[Leak, ...]

    @property
    def right_ids(self) -> array[int]:
        """All rows of the right side that leaked, ascending."""
        return array("q", sorted(row for rows in self.right.values() for row in rows))

    @property
    def left_ids(self) -> array[int]:
        """All rows of the left side that give away one of the right, ascending."""
        return array("q", sorted(row for rows in self.left.values() for row in rows))

    def counts(self) -> dict[Kind, dict[str, int]]:
        """Rows of both sides by kind; a row is counted once."""
        return {kind: {"left": len(self.left[kind]), "right": len(self.right[kind])} for kind in KINDS}

    def shares(self) -> dict[str, float]:
        """Part of each side's rows, 0 to 1."""
        return {
            "left": len(self.left_ids) / max(1, self.left_rows),
            "right": len(self.right_ids) / max(1, self.right_rows),
        }

    def to_dict(self) -> dict[str, Any]:
        return {
            "threshold": self.threshold,
            "rows": {"left": self.left_rows, "right": self.right_rows},
            "counts": self.counts(),
            "shares": self.shares(),
            "left": {kind: list(self.left[kind]) for kind in KINDS},
            "right": {kind: list(self.right[kind]) for kind in KINDS},
            "examples": [
                {"kind": leak.kind, "left": leak.left, "right": leak.right, "similarity": leak.similarity}
                for leak in self.examples
            ],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> LeakageReport:
        """Read what `to_dict` wrote.

        Raises:
            BadInput: something else.
        """
        try:
            return cls(
                value["threshold"],
                value["rows"]["left"],
                value["rows"]["right"],
                {kind: array("q", value["left"][kind]) for kind in KINDS},
                {kind: array("q", value["right"][kind]) for kind in KINDS},
                tuple(Leak(**leak) for leak in value["examples"]),
            )
        except (KeyError, TypeError) as error:
            raise BadInput("This is not a report of leaked rows.", "Make it again.") from error


def report(left: Rows, right: Rows, threshold: float = 0.8, progress: Progress | None = None) -> LeakageReport:
    """Compare two sides. Each gives row ids and conversations; the ids of both may be the same numbers.

    `progress` is told the rows read; what it raises ends the work.

    Raises:
        BadInput: a threshold out of range.
        StorageError: the disk of temporary files is full.
    """
    sides = _Sides(threshold, progress or (lambda done, total: None))
    for side, rows in enumerate((left, right)):
        for row_id, conversation in rows:
            sides.add(side, row_id, conversation)
    return sides.report()


class _Sides:
    """Rows of both sides in one list of places; 25 bytes a row besides the index."""

    def __init__(self, threshold: float, progress: Progress) -> None:
        self._threshold = threshold
        self._progress = progress
        self._ids: array[int] = array("q")
        self._lefts = 0
        self._keys: dict[Kind, array[int]] = {"exact": array("Q"), "question": array("Q")}
        self._index = NearIndex(threshold, self._tell)

    def _tell(self) -> None:
        self._progress(len(self._ids), None)

    def add(self, side: int, row_id: int, conversation: Conversation) -> None:
        if len(self._ids) % 1024 == 0:
            self._tell()
        self._lefts += side == 0
        self._index.add(len(self._ids), all_text(conversation))
        self._ids.append(row_id)
        self._keys["exact"].append(row_key(conversation))
        self._keys["question"].append(asked_key(conversation))

    def report(self) -> LeakageReport:
        left: dict[Kind, array[int]] = {kind: array("q") for kind in KINDS}
        right: dict[Kind, array[int]] = {kind: array("q") for kind in KINDS}
        told: set[int] = set()
        examples: list[Leak] = []
        for kind, pairs in self._found():
            shown = 0
            for one, other, share in pairs:
                if one in told:
                    continue
                told.add(one)
                is_right = one >= self._lefts
                (right if is_right else left)[kind].append(self._ids[one])
                if is_right and shown < EXAMPLES:
                    shown += 1
                    examples.append(Leak(kind, self._ids[other], self._ids[one], share))
        counts = self._lefts, len(self._ids) - self._lefts
        return LeakageReport(self._threshold, *counts, _ascending(left), _ascending(right), tuple(examples))

    def _found(self) -> Iterator[tuple[Kind, Iterator[tuple[int, int, float]]]]:
        """For each kind: a place, a place of the other side that it goes with, and their similarity."""
        yield "exact", ((one, other, 1.0) for one, other in self._equal("exact"))
        yield "question", ((one, other, self._index.similarity(one, other)) for one, other in self._equal("question"))
        yield "near", self._near()

    def _equal(self, kind: Kind) -> Iterator[tuple[int, int]]:
        """Places with a key that the other side has, and the first place there that has it."""
        firsts: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for place, key in enumerate(self._keys[kind]):
            firsts[place >= self._lefts].setdefault(key, place)
        for place, key in enumerate(self._keys[kind]):
            other = firsts[place < self._lefts].get(key)
            if key and other is not None:
                yield place, other

    def _near(self) -> Iterator[tuple[int, int, float]]:
        """Places in a group of both sides, each with the place of the other side most similar to it."""
        groups: dict[int, tuple[list[int], list[int]]] = {}
        for place, lowest in self._index.groups().items():
            groups.setdefault(lowest, ([], []))[place >= self._lefts].append(place)
        for lefts, rights in groups.values():
            for places, others in ((lefts, rights), (rights, lefts)):
                for place in places if others else ():
                    found = self._index.closest(place, others)
                    if found:
                        yield place, *found


def _ascending(rows: dict[Kind, array[int]]) -> dict[Kind, array[int]]:
    return {kind: array("q", sorted(ids)) for kind, ids in rows.items()}
