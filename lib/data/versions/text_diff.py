"""What changed in a text, word by word.

for piece in words("the old cat", "the cat"):
    piece.text, piece.kind      # "the " same, "old " removed, "cat" same

The edits between two lists of words come from rapidfuzz. Its memory grows with the product of both lengths, so long
texts are first compared sentence by sentence, and only what differs is looked at word by word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Indel

Kind = Literal["same", "removed", "added"]
MAX_CELLS = 200_000_000  # words of one text times words of the other: 25 MB and a few hundredths of a second
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_PUNCTUATION = "!-/:-@\\[-`{-~\u00a1-\u00bf\u2010-\u2027\u2030-\u205e\u3001-\u303f\uff01-\uff0f"
# Runs of white space; single CJK characters, which form no words; single signs; whatever is between: words of a script,
# with their marks, which `\w` would leave out.
_WORD = re.compile(rf"\s+|[{_CJK}]|[{_PUNCTUATION}]|[^\s{_CJK}{_PUNCTUATION}]+")
_SENTENCE = re.compile(r"[^.!?\n。！？]*(?:[.!?\n。！？]+\s*|$)")


@dataclass(frozen=True)
class Piece:
    """Part of a text that is in both, only in the old one, or only in the new one."""

    text: str
    kind: Kind


def words(before: str, after: str) -> list[Piece]:
    """Pieces in reading order, removed ones before added ones.

    Those that are `same` or `removed` make up `before`, those that are `same` or `added` make up `after`.
    """
    return list(_joined(_compared(before, after, (_WORD, _SENTENCE))))


def _compared(before: str, after: str, levels: Sequence[re.Pattern[str]]) -> Iterator[Piece]:
    """Compare by the first of the `levels`; where that is too much, by the next, and then what differs by the first."""
    left, right = levels[0].findall(before), levels[0].findall(after)
    start = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    rest = zip(reversed(left[start:]), reversed(right[start:]), strict=False)
    end = next((n for n, (a, b) in enumerate(rest) if a != b), min(len(left), len(right)) - start)
    old, new = left[start : len(left) - end], right[start : len(right) - end]
    yield Piece("".join(left[:start]), "same")
    if len(old) * len(new) <= MAX_CELLS:
        yield from _edits(old, new)
    elif not levels[1:]:
        yield from (Piece("".join(old), "removed"), Piece("".join(new), "added"))
    else:
        for one, other in _pairs(_compared("".join(old), "".join(new), levels[1:])):
            yield from _compared(one, other, levels[:1]) if one != other else (Piece(one, "same"),)
    yield Piece("".join(left[len(left) - end :]), "same")


def _edits(old: list[str], new: list[str]) -> Iterator[Piece]:
    for edit in Indel.opcodes(old, new):
        removed, added = "".join(old[edit.src_start : edit.src_end]), "".join(new[edit.dest_start : edit.dest_end])
        if edit.tag == "equal":
            yield Piece(removed, "same")
        else:
            yield from (Piece(removed, "removed"), Piece(added, "added"))


def _pairs(pieces: Iterator[Piece]) -> Iterator[tuple[str, str]]:
    """Stretches of the old and the new text that stand for each other."""
    removed = added = ""
    for piece in pieces:
        if piece.kind == "same":
            yield from (pair for pair in ((removed, added), (piece.text, piece.text)) if any(pair))
            removed = added = ""
        else:
            removed += piece.text if piece.kind == "removed" else ""
            added += piece.text if piece.kind == "added" else ""
    if removed or added:
        yield removed, added


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbours of a kind as one; white space alone between two changes changes with them, which reads better."""
    removed = added = same = ""
    for piece in pieces:
        if piece.kind == "same":
            same += piece.text
            continue
        if not piece.text:
            continue
        if same.strip() or not (removed or added):
            yield from _flushed(removed, added, same)
            removed = added = ""
        else:
            removed, added = removed + same, added + same
        same = ""
        removed += piece.text if piece.kind == "removed" else ""
        added += piece.text if piece.kind == "added" else ""
    yield from _flushed(removed, added, same)


def _flushed(removed: str, added: str, same: str) -> Iterator[Piece]:
    kinds: tuple[Kind, Kind, Kind] = ("removed", "added", "same")
    for text, kind in zip((removed, added, same), kinds, strict=True):
        if text:
            yield Piece(text, kind)
