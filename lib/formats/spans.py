"""Spans of a text: which parts of it are trained."""

from __future__ import annotations

from collections.abc import Sequence

from lib.formats.segments import Segment, split_specials

Span = tuple[int, int]
"""(start, end) in characters."""


def outside(span: Span, prompt: Span) -> list[Span]:
    """What of a span is not in the prompt."""
    pieces = ((span[0], min(span[1], prompt[0])), (max(span[0], prompt[1]), span[1]))
    return [(start, end) for start, end in pieces if start < end]


def cut(text: str, spans: Sequence[Span], known: frozenset[str]) -> list[Segment]:
    """The text with these parts of it trained, cut at special tokens."""
    out: list[Segment] = []
    done = 0
    for start, end in spans:
        out += [*split_specials(text[done:start], known), *split_specials(text[start:end], known, True)]
        done = end
    return [*out, *split_specials(text[done:], known)]
