"""Rules that give every row a split, so that no row of one split gives away a row of another.

rule = SplitRule("shares", shares={"train": 0.8, "validation": 0.1, "test": 0.1}, seed=7)
assigned = assign(rows, rule)
assigned[12]; assigned.shares(); assigned.notes

Rows that ask the same question, near-duplicates, and rows with the same value in a chosen column, such as the number of
a conversation, form groups. A group is never divided. Which split it goes to follows from the seed and the ids of its
rows, not from their order.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np

from lib.data.checks.repeats import all_text
from lib.data.columns import SPLIT
from lib.data.mapping.reading import question_of
from lib.data.near import BATCH, LOWEST_THRESHOLD, NearIndex, lowest_of_groups
from lib.data.splits.hashed import SPELLINGS, SPLITS, question_key
from lib.errors import BadInput, BadSettings
from lib.records import Conversation

Kind = Literal["shares", "column", "keep"]
Row = tuple[int, Conversation, Mapping[str, Any]]
LARGE = 0.1  # of the smallest split that is asked for: groups from this size on are dealt first
NEAR_ENOUGH = 0.02  # a share that misses what was asked for by more is named
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class SplitRule:
    """How rows are dealt.

    Raises:
        BadSettings: everything that is wrong, by field.
    """

    kind: Kind
    """`shares`: by chance; `column`: by a column's values; `keep`: as given, except where a group is divided."""
    shares: dict[str, float] = field(default_factory=lambda: {"train": 0.9, "test": 0.1})
    """Of `shares`: the part of all rows for each split; they add up to 1."""
    seed: int = 0
    column: str = ""
    """Of `column`: whose values say the split."""
    values: dict[str, str] = field(default_factory=dict)
    """Of `column`: the split for each value, as text. Values that are not listed go to `other`."""
    other: str = "train"
    together: str = ""
    """Column whose equal values stay on one side; none by default. Rows without a value are free."""
    questions: bool = True
    """Rows that ask the same stay on one side."""
    near: float | None = 0.8
    """Near-duplicates from this similarity on stay on one side; None: wherever they fall."""

    def __post_init__(self) -> None:
        faults = {
            "kind": "" if self.kind in get_args(Kind) else f"one of {', '.join(get_args(Kind))}",
            "shares": _fault_of_shares(self.shares) if self.kind == "shares" else "",
            "column": "name a column" if self.kind == "column" and not self.column else "",
            "values": "" if set(self.values.values()) <= set(SPLITS) else f"splits are {', '.join(SPLITS)}",
            "other": "" if self.other in SPLITS else f"one of {', '.join(SPLITS)}",
            "near": "" if self.near is None or LOWEST_THRESHOLD <= self.near <= 1 else f"{LOWEST_THRESHOLD} to 1",
        }
        if found := {name: fault for name, fault in faults.items() if fault}:
            raise BadSettings(found)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> SplitRule:
        """Read what `to_dict` wrote.

        Raises:
            BadInput: an unknown field, or none at all that says the kind.
        """
        known = {one.name for one in fields(cls)}
        if "kind" not in value or not value.keys() <= known:
            raise BadInput("This is not a rule for splits.", f"It has the fields {', '.join(sorted(known))}.")
        return cls(**value)

    def to_dict(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


def _fault_of_shares(shares: Mapping[str, float]) -> str:
    if not shares.keys() <= set(SPLITS):
        return f"splits are {', '.join(SPLITS)}"
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        return "parts of all rows that add up to 1"
    return ""


@dataclass(frozen=True)
class Assigned:
    """A split for every row: `rows` are ids, ascending, and `codes[n]` is the number in `SPLITS` of row `rows[n]`.

    `groups`: how many groups there are, single rows included. `largest`: rows of the largest one, `largest_row` its
    lowest row. `moved`: rows that are not where their column or earlier split said. `notes`: what could not be done.
    """

    rows: Array
    codes: Array
    groups: int
    largest: int
    largest_row: int
    moved: int
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row_id: int) -> str:
        place = int(np.searchsorted(self.rows, row_id))
        if place == len(self.rows) or self.rows[place] != row_id:
            raise KeyError(row_id)
        return SPLITS[self.codes[place]]

    def items(self) -> Iterator[tuple[int, str]]:
        """Row ids, ascending, and their splits."""
        return zip(self.rows.tolist(), (SPLITS[code] for code in self.codes.tolist()), strict=True)

    def counts(self) -> dict[str, int]:
        """Rows of each split, zeros included."""
        found = np.bincount(self.codes, minlength=len(SPLITS)).tolist()
        return dict(zip(SPLITS, found, strict=True))

    def shares(self) -> dict[str, float]:
        """Part of all rows, 0 to 1, of each split."""
        return {name: count / max(1, len(self)) for name, count in self.counts().items()}

    def to_dict(self) -> dict[str, Any]:
        """For `--json` and pages; without the rows."""
        return {
            "rows": len(self),
            "counts": self.counts(),
            "shares": self.shares(),
            "groups": self.groups,
            "largest_group": {"rows": self.largest, "row": self.largest_row},
            "moved": self.moved,
            "notes": list(self.notes),
        }


def assign(rows: Iterable[Row], rule: SplitRule, progress: Callable[[int, int | None], None] | None = None) -> Assigned:
    """Give every row a split. Each row comes with the values of its columns: those the rule names, and `_split`.

    `progress` is told the rows read; what it raises ends the work.

    Raises:
        StorageError: the disk of temporary files is full.
    """
    read = _Reading(rule, progress or (lambda done, total: None))
    for row_id, conversation, values in rows:
        read.add(row_id, conversation, values)
    ids, lowest, wanted = read.grouped()
    if not len(ids):
        return Assigned(ids, wanted, 0, 0, 0, 0, ())
    groups, members, sizes = np.unique(lowest, return_inverse=True, return_counts=True)
    if rule.kind == "shares":
        dealt = _dealt(groups, sizes, rule)
        codes, moved = dealt[members], 0
    else:
        codes = _most_wanted(members, wanted, len(groups))[members]
        moved = int(np.count_nonzero(codes != wanted))
    largest = int(np.argmax(sizes))
    found = Assigned(ids, codes.astype(np.uint8), len(groups), int(sizes[largest]), int(groups[largest]), moved, ())
    return Assigned(**{**vars(found), "notes": tuple(_notes(found, rule))})


class _Reading:
    """What is kept of each row: its id, keys of what it shares with others, and the split that is wanted for it."""

    def __init__(self, rule: SplitRule, progress: Callable[[int, int | None], None]) -> None:
        self._rule, self._progress = rule, progress
        self._ids: array[int] = array("q")
        self._questions: array[int] = array("Q")
        self._together: array[int] = array("Q")
        self._wanted = bytearray()
        self._index = None if rule.near is None else NearIndex(rule.near, self._tell)

    def _tell(self) -> None:
        self._progress(len(self._ids), None)

    def add(self, row_id: int, conversation: Conversation, values: Mapping[str, Any]) -> None:
        rule = self._rule
        if len(self._ids) % BATCH == 0:
            self._tell()
        self._ids.append(row_id)
        self._questions.append(asked_key(conversation) if rule.questions else 0)
        value = values.get(rule.together) if rule.together else None
        self._together.append(0 if value is None else question_key(f"={value!r}"))
        self._wanted.append(SPLITS.index(_wanted(rule, values)))
        if self._index is not None:
            self._index.add(row_id, all_text(conversation))

    def grouped(self) -> tuple[Array, Array, Array]:
        """Row ids, ascending; the lowest id of each one's group; the number of the split wanted for it."""
        ids = np.array(self._ids, dtype=np.int64)
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        edges = [_edges(np.array(keys, dtype=np.uint64)[order]) for keys in (self._questions, self._together)]
        if self._index is not None:
            near = np.array(list(self._index.groups().items()), dtype=np.int64).reshape(-1, 2)
            edges.append((np.searchsorted(ids, near[:, 1]), np.searchsorted(ids, near[:, 0])))
        ones, twos = (np.concatenate(side) for side in zip(*edges, strict=True))
        self._tell()
        wanted = np.frombuffer(bytes(self._wanted), dtype=np.uint8)[order]
        return ids, lowest_of_groups(ids, ones, twos), wanted


def asked_key(conversation: Conversation) -> int:
    """A number that rows share when their first questions are equal; 0 when nothing is asked."""
    content, context = question_of(conversation)
    return question_key(content, context) if (content + context).strip() else 0


def _wanted(rule: SplitRule, values: Mapping[str, Any]) -> str:
    if rule.kind == "column":
        return rule.values.get(str(values.get(rule.column)), rule.other)
    given = values.get(SPLIT)
    return SPELLINGS.get(given.strip().lower(), rule.other) if isinstance(given, str) else rule.other


def _edges(keys: Array) -> tuple[Array, Array]:
    """Pairs of places with equal keys other than 0, enough of them to connect all."""
    places = np.argsort(keys, kind="stable")
    places = places[keys[places] != 0]
    same = keys[places[1:]] == keys[places[:-1]]
    return places[:-1][same], places[1:][same]


def _most_wanted(members: Array, wanted: Array, groups: int) -> Array:
    """For each group the split that most of its rows want; the first of `SPLITS` where several are even."""
    votes = np.bincount(members * len(SPLITS) + wanted, minlength=groups * len(SPLITS))
    return np.asarray(votes.reshape(groups, len(SPLITS)).argmax(axis=1))


def _dealt(groups: Array, sizes: Array, rule: SplitRule) -> Array:
    """A split for each group: large ones first, to where most room is; then the others in an order of chance."""
    total = int(sizes.sum())
    target = np.array([rule.shares.get(name, 0.0) * total for name in SPLITS])
    large_from = max(2.0, LARGE * min(rows for rows in target if rows > 0))
    order = np.argsort(_chance(groups, rule.seed), kind="stable")
    dealt = np.zeros(len(groups), dtype=np.int64)
    room = target.copy()
    large = order[sizes[order] >= large_from]
    for group in large[np.argsort(-sizes[large], kind="stable")].tolist():
        dealt[group] = int(np.argmax(np.where(target > 0, room, -np.inf)))
        room[dealt[group]] -= sizes[group]
    small = order[sizes[order] < large_from]
    room = np.maximum(room, 0)
    bounds = np.cumsum(room) * (sizes[small].sum() / max(room.sum(), 1))
    middles = np.cumsum(sizes[small]) - sizes[small] / 2
    open_splits = np.flatnonzero(room > 0)
    dealt[small] = open_splits[np.minimum(np.searchsorted(bounds[open_splits], middles), len(open_splits) - 1)]
    return _filled(dealt, sizes, order, np.flatnonzero(target > 0))


def _filled(dealt: Array, sizes: Array, order: Array, asked: Array) -> Array:
    """The same, with a smallest group moved to each split that was asked for and got none, where that can be."""
    for split in asked.tolist():
        counts = np.bincount(dealt, minlength=len(SPLITS))
        if not counts[split] and counts.max() > 1:
            candidates = order[dealt[order] == counts.argmax()]
            dealt[candidates[np.argmin(sizes[candidates])]] = split
    return dealt


def _chance(groups: Array, seed: int) -> Array:
    """A number for each group, by its lowest row id and the seed: splitmix64 (Steele, Lea and Flood 2014)."""
    mixed = groups.astype(np.uint64) + np.uint64((seed * 0xD1342543DE82EF95 + 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


def _notes(found: Assigned, rule: SplitRule) -> Iterator[str]:
    if rule.kind != "shares":
        if found.moved:
            was, they = ("row was", "it belongs") if found.moved == 1 else ("rows were", "they belong")
            yield f"{found.moved:,} {was} moved to the side of the rows that {they} together with."
        return
    shares = found.shares()
    missed = {
        name: share
        for name, share in rule.shares.items()
        if abs(shares[name] - share) > NEAR_ENOUGH or (share and not shares[name])
    }
    for name, share in missed.items():
        yield f"{name} has {shares[name]:.1%} of the rows instead of {share:.1%}."
    if missed and found.largest > 1:
        share = found.largest / len(found)
        yield (
            f"The largest group of rows that belong together has {found.largest:,} rows ({share:.0%} of all), "
            f"from row {found.largest_row} on."
        )
