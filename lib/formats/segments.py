"""Segments: a conversation as text, cut where the loss starts or stops and where special tokens stand.

Preview, export, training and generation all read the same segments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text. `trained`: the loss counts it. `special`: `text` is the literal of one special token."""

    text: str
    trained: bool
    special: bool = False


@dataclass(frozen=True, slots=True)
class Specials:
    """What a renderer needs to know of a tokenizer.

    `bos` and `eos` are literals, `""` when the model has none or wants none; `known` holds the literals of all
    special tokens.
    """

    bos: str = ""
    eos: str = ""
    known: frozenset[str] = frozenset()


LITERAL = Specials("<s>", "</s>", frozenset({"<s>", "</s>"}))
"""What exported text carries: the literals that Llama-2 and Alpaca files are written with."""


BEGINS = ("<s>", "<|begin_of_text|>", "<|endoftext|>", "<bos>")
ENDS = ("</s>", "<|eot_id|>", "<|end_of_text|>", "<|im_end|>", "<|endoftext|>", "<eos>")
"""Begin and end tokens that files are found with: Llama 1 and 2, Llama 3, ChatML models, GPT-2, Gemma."""


def text_of(segments: Iterable[Segment]) -> str:
    """The text that the segments make together."""
    return "".join([segment.text for segment in segments])


def merge(segments: Iterable[Segment]) -> list[Segment]:
    """Join neighbours of ordinary text that are both trained or both not; drop empty segments."""
    merged: list[Segment] = []
    for segment in segments:
        if not segment.text:
            continue
        last = merged[-1] if merged else None
        if last and not (segment.special or last.special) and last.trained == segment.trained:
            merged[-1] = Segment(last.text + segment.text, last.trained)
        else:
            merged.append(segment)
    return merged


def split_specials(text: str, known: frozenset[str], trained: bool = False) -> list[Segment]:
    """Cut `text` into ordinary segments and one special segment for each literal of `known`."""
    if not known:
        return [Segment(text, trained)] if text else []
    parts = _pattern(known).split(text)
    return [Segment(part, trained, number % 2 == 1) for number, part in enumerate(parts) if part]


def begin_of(specials: Specials) -> str:
    """The begin token to read over: the one in use, or `<s>` in front of forms that do not write it themselves."""
    return specials.bos or (LITERAL.bos if LITERAL.bos in specials.known else "")


def strip_begin(text: str, specials: Specials) -> str:
    """The text without the begin tokens and the whitespace in front of it."""
    bos = begin_of(specials)
    text = text.lstrip()
    while bos and text.startswith(bos):
        text = text.removeprefix(bos).lstrip()
    return text


def split_end(answer: str, eos: str) -> tuple[str, bool]:
    """An answer without its end token (and whitespace behind that), and whether it had one."""
    for candidate in (answer, answer.rstrip()):
        if eos and candidate.endswith(eos):
            return candidate.removesuffix(eos), True
    return answer, False


def find_any(text: str, literals: frozenset[str]) -> str:
    """The first of `literals` that stands in `text`; empty when none does."""
    match = _pattern(literals).search(text) if literals else None
    return match.group() if match else ""


@lru_cache(maxsize=64)
def _pattern(literals: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(literals, key=lambda literal: (-len(literal), literal))
    return re.compile(f"({'|'.join(re.escape(literal) for literal in longest_first)})")
