"""A rendered row as text, ready to be drawn: cut where it starts or stops to be trained, to be special, to differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lib.formats.segments import Segment
from lib.formats.visible import visible

TRAINED, SPECIAL, LABEL, CHANGED = 1, 2, 4, 8
"""Bits of a part's flags. Label: the name of a hidden character, not text of the row."""

Part = tuple[str, int]
Range = tuple[int, int]


def text_view(segments: Iterable[Segment], changed: Sequence[Range] = ()) -> list[Part]:
    """Parts in order. `changed`: stretches (start, end) of the whole text to mark, ascending and apart."""
    out: list[Part] = []
    position = 0
    for segment in segments:
        flags = TRAINED * segment.trained + SPECIAL * segment.special
        for start, end, differs in _cut(position, position + len(segment.text), changed):
            piece = segment.text[start - position : end - position]
            for text, is_label in visible(piece):
                out.append((text, flags + LABEL * is_label + CHANGED * differs))
        position += len(segment.text)
    return out


def _cut(start: int, end: int, changed: Sequence[Range]) -> Iterator[tuple[int, int, bool]]:
    """The stretch from `start` to `end` in parts that lie within one of `changed` or outside all of them."""
    for low, high in changed:
        if high <= start or low >= end:
            continue
        if low > start:
            yield start, low, False
        yield max(low, start), min(high, end), True
        start = min(high, end)
    if start < end:
        yield start, end, False
