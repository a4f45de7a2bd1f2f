"""A rendered row as its tokens, ready to be drawn: what each one shows, and what it counts for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lib.formats.segments import Segment, text_of
from lib.formats.visible import Pieces, describe, label, visible

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer
    from lib.formats.tokens import Tokens

TRAINED, SPECIAL, PARTIAL = 1, 2, 4
"""Bits of `TokenView.flags`. Partial: the token has a part of a character, shown as its bytes in hexadecimal."""

_ASCII = bytes(range(0x80))
_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class TokenView:
    """Three lists of one length. `shown[i]`: text and labels of hidden characters in turn (see `visible`)."""

    ids: list[int]
    flags: list[int]
    shown: list[Pieces]
    hidden: dict[int, str]
    """Of tokens with hidden characters or parts of characters: all of their characters by code and name."""

    @property
    def prompt(self) -> int:
        """Tokens that are only read."""
        return len(self.ids) - self.answer

    @property
    def answer(self) -> int:
        """Tokens that are learned, end tokens included."""
        return sum(flag & TRAINED for flag in self.flags)

    def cut(self, max_length: int) -> int:
        """Trained tokens that stand behind the first `max_length`."""
        return sum(flag & TRAINED for flag in self.flags[max_length:])


def token_view(segments: Sequence[Segment], tokens: Tokens, tokenizer: ModelTokenizer) -> TokenView:
    """What `tokenizer.tokenize(segments)` gave, token by token."""
    flags: list[int] = []
    shown: list[Pieces] = []
    hidden: dict[int, str] = {}
    text, partials = text_of(segments), tokens.partial()
    for number, piece in enumerate(tokenizer.pieces(segments, tokens)):
        special = tokens.special[number]
        partial = partials[number] and not special
        flags.append(TRAINED * tokens.trained[number] + SPECIAL * special + PARTIAL * partial)
        shown.append([(piece, False)] if special else _bytes(piece) if partial else _shown(piece))
        start, end = tokens.spans[number]
        if start < end and any(is_label for _, is_label in shown[-1]):
            hidden[number] = describe(text[start:end])
    return TokenView(tokens.ids, flags, shown, hidden)


def _shown(piece: str) -> Pieces:
    """Line breaks, carriage returns and tabs have a label of their own, followed by what they do."""
    out: Pieces = []
    for text, is_label in visible(piece):
        if is_label or not ("\n" in text or "\t" in text):
            out.append((text, is_label))
            continue
        for part in _cut_breaks(text):
            out += [(label(part), True), (part, False)] if part in "\n\t" else [(part, False)]
    return out


def _cut_breaks(text: str) -> list[str]:
    parts: list[str] = []
    for character in text:
        if character in "\n\t" or not parts or parts[-1] in "\n\t":
            parts.append(character)
        else:
            parts[-1] += character
    return parts


def _bytes(piece: str) -> Pieces:
    """A vocabulary's spelling of a token with a part of a character: its ASCII, and its other bytes as a label.

    SentencePiece writes `<0xE2>`, byte-level vocabularies a letter for each byte. Any other spelling stays as it is.
    """
    if match := _BYTE_TOKEN.fullmatch(piece):
        return [(match[1], True)]
    letters = _byte_letters()
    if not piece or any(letter not in letters for letter in piece):
        return [(piece, True)]
    raw = bytes(letters[letter] for letter in piece)
    rest = raw.lstrip(_ASCII)
    before, inner = raw[: len(raw) - len(rest)], rest.rstrip(_ASCII)
    behind = rest[len(inner) :]
    label = [(inner.hex(" ").upper(), True)] if inner else []
    return [*_shown(before.decode()), *label, *_shown(behind.decode())]


@cache
def _byte_letters() -> dict[str, int]:
    """Letter -> byte, as GPT-2's vocabulary has it: printable bytes as themselves, the others from U+0100 on.

    Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py (`bytes_to_unicode`).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}
