"""What changed in a text, word by word.

for piece in words("the old cat", "the cat"):
    piece.text, piece.kind      # "the " same, "old " removed, "cat" same

Myers' greedy algorithm ("An O(ND) difference algorithm", 1986) over tokens, with a limit of steps. Long texts are first
cut at phrases that occur once in both, in the same order. Where the limit is reached a stretch is shown as removed and
added as a whole. So any text takes a tenth of a second or so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["same", "removed", "added"]
MAX_STEPS = 200_000
LONG = 1000  # tokens of both texts from which on they are cut at common phrases
PHRASE = 5  # tokens: three words and the spaces between them
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_PUNCTUATION = "!-/:-@\\[-`{-~\u00a1-\u00bf\u2010-\u2027\u2030-\u205e\u3001-\u303f\uff01-\uff0f"
# Runs of white space; single CJK characters, which form no words; single signs; whatever is between: words of a script,
# with their marks, which `\w` would leave out.
_TOKEN = re.compile(rf"\s+|[{_CJK}]|[{_PUNCTUATION}]|[^\s{_CJK}{_PUNCTUATION}]+")
Hunk = tuple[int, int, int, int]
"""`before[a:b]` was replaced by `after[c:d]`; either may be empty."""


@dataclass(frozen=True)
class Piece:
    """Part of a text that is in both, only in the old one, or only in the new one."""

    text: str
    kind: Kind


def words(before: str, after: str) -> list[Piece]:
    """Pieces in reading order, removed ones before added ones.

    Those that are `same` or `removed` make up `before`, those that are `same` or `added` make up `after`.
    """
    left, right = _TOKEN.findall(before), _TOKEN.findall(after)
    numbers: dict[str, int] = {}
    old, new = ([numbers.setdefault(token, len(numbers)) for token in tokens] for tokens in (left, right))
    return list(_pieces(left, right, _joined(left, _all_hunks(old, new))))


class _Steps:
    """How many steps are left."""

    def __init__(self, left: int) -> None:
        self.left = left


def _all_hunks(old: list[int], new: list[int]) -> Iterator[Hunk]:
    steps = _Steps(MAX_STEPS)
    anchors = _anchors(old, new) if len(old) + len(new) >= LONG else []
    a = c = 0
    for b, d in [*anchors, (len(old), len(new))]:
        if (a, c) != (b, d):
            for w, x, y, z in _hunks(old[a:b], new[c:d], steps):
                yield a + w, a + x, c + y, c + z
        a, c = b, d


def _anchors(old: list[int], new: list[int]) -> list[tuple[int, int]]:
    """Where phrases begin that occur once in both texts, as many as stand in the same order.

    Of phrases that follow each other on both sides only the first is given. Phrases are told apart by a hash: a clash
    would cut the texts in an odd place, no more.
    """
    (old_keys, old_places), (new_keys, new_places) = _phrases_once(old), _phrases_once(new)
    _, of_old, of_new = np.intersect1d(old_keys, new_keys, assume_unique=True, return_indices=True)
    at = np.stack([old_places[of_old], new_places[of_new]])
    at = at[:, np.argsort(at[0])]
    begins = np.ones(at.shape[1], bool)
    begins[1:] = (np.diff(at) != 1).any(axis=0)
    return _rising([(int(a), int(b)) for a, b in at[:, begins].T])


def _phrases_once(tokens: list[int]) -> tuple[Any, Any]:
    """Hashes of the phrases that occur once, and where they begin."""
    numbers = np.array(tokens, np.uint64)
    size = max(0, len(numbers) - PHRASE + 1)
    hashes = np.zeros(size, np.uint64)
    for place in range(PHRASE):
        hashes = hashes * _MULTIPLIER + numbers[place : place + size]
    keys, places, counts = np.unique(hashes, return_index=True, return_counts=True)
    return keys[counts == 1], places[counts == 1]


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest selection, in order, whose second numbers rise."""
    lowest: list[int] = []  # by length, the smallest number that a rising selection of that length ends with
    lengths = []
    for _, number in pairs:
        length = bisect_left(lowest, number)
        lowest[length : length + 1] = [number]
        lengths.append(length)
    chosen: list[tuple[int, int]] = []
    wanted = len(lowest) - 1
    for pair, length in zip(reversed(pairs), reversed(lengths), strict=True):
        if length == wanted and (not chosen or pair[1] < chosen[-1][1]):
            chosen.append(pair)
            wanted -= 1
    return chosen[::-1]


def _hunks(old: list[int], new: list[int], steps: _Steps) -> list[Hunk]:
    """What differs between two lists; all of the middle when that takes more steps than are left."""
    start, shortest = 0, min(len(old), len(new))
    while start < shortest and old[start] == new[start]:
        start += 1
    end = 0
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    rows, columns = len(old) - end, len(new) - end
    if start == rows and start == columns:
        return []
    trace = _trace(old[start:rows], new[start:columns], steps) if start < min(rows, columns) else None
    if trace is None:
        return [(start, rows, start, columns)]
    hunks = _walked(trace, rows - start, columns - start)
    return [(start + a, start + b, start + c, start + d) for a, b, c, d in hunks]


def _trace(old: list[int], new: list[int], steps: _Steps) -> list[dict[int, int]] | None:
    """For each number of edits, the furthest place in `old` on each diagonal (place in `old` minus place in `new`).

    None when the steps ran out.
    """
    rows, columns = len(old), len(new)
    furthest = {1: 0}
    trace = []
    for edits in range(rows + columns + 1):
        trace.append(furthest)
        furthest = furthest.copy()
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and furthest.get(diagonal - 1, -1) < furthest.get(diagonal + 1, -1)
            )
            x = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            begun = x
            while x < rows and x - diagonal < columns and old[x] == new[x - diagonal]:
                x += 1
            furthest[diagonal] = x
            steps.left -= 1 + x - begun
            if x >= rows and x - diagonal >= columns:
                return trace
        steps.left -= edits  # the copy
        if steps.left < 0:
            return None
    return trace


def _walked(trace: list[dict[int, int]], x: int, y: int) -> list[Hunk]:
    """The hunks along the path that a trace has found, walked from its end."""
    hunks: list[Hunk] = []
    for edits in range(len(trace) - 1, 0, -1):
        furthest = trace[edits]
        diagonal = x - y
        down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
        before_x = furthest[diagonal + 1] if down else furthest[diagonal - 1]
        before_y = before_x - (diagonal + 1 if down else diagonal - 1)
        after_x, after_y = (before_x, before_y + 1) if down else (before_x + 1, before_y)
        hunks.append((before_x, after_x, before_y, after_y))
        x, y = before_x, before_y
    return hunks[::-1]


def _joined(left: Sequence[str], hunks: Iterable[Hunk]) -> list[Hunk]:
    """Hunks with nothing but white space between them become one: a rewritten phrase reads better in one piece."""
    joined: list[Hunk] = []
    for hunk in hunks:
        if joined and not "".join(left[joined[-1][1] : hunk[0]]).strip():
            joined[-1] = (joined[-1][0], hunk[1], joined[-1][2], hunk[3])
        else:
            joined.append(hunk)
    return joined


def _pieces(left: Sequence[str], right: Sequence[str], hunks: list[Hunk]) -> Iterator[Piece]:
    at = 0
    for a, b, c, d in [*hunks, (len(left), len(left), len(right), len(right))]:
        parts: list[tuple[Sequence[str], Kind]] = [(left[at:a], "same"), (left[a:b], "removed"), (right[c:d], "added")]
        yield from (Piece("".join(tokens), kind) for tokens, kind in parts if tokens)
        at = b
