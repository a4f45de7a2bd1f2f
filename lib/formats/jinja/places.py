"""Places in a source: where each piece of it stands, and where something went wrong."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Token

from lib.formats.jinja.environment import Sandbox

_BREAK = re.compile(r"\r\n|\r|\n")
_INSIDE = ("name", "operator", "string", "integer", "float")
_NEAR = 10
"""Lines of one expression: Jinja knows where it begins."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A token of the source with its offset in `Source.text`; `kind` and `text` as the lexer has them."""

    offset: int
    kind: str
    text: str


class Placed(Token):
    """A token for the parser that knows its offset."""

    offset: int


class Source:
    """A template's text as Jinja reads it: one kind of line break, none at the end."""

    def __init__(self, environment: Sandbox, text: str) -> None:
        self.environment = environment
        self.text = _BREAK.sub("\n", text).removesuffix("\n")
        self.reached = 0
        """Where the lexer is, or where it could not go on."""
        self._starts = [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def pieces(self) -> Iterator[Piece]:
        """The lexer's tokens, as far as it gets.

        Raises:
            TemplateSyntaxError: at `reached`.
        """
        for _, kind, text in self.environment.lexer.tokeniter(self.text, None):
            offset = self.text.find(text, self.reached)  # the lexer passes over whitespace that a tag eats
            self.reached = offset + len(text)
            yield Piece(offset, kind, text)

    def tokens(self) -> Iterator[Token]:
        """What the parser reads, each with its place."""
        self.reached = 0
        for piece in self.pieces():
            line = self.place(piece.offset)[0]
            for token in self.environment.lexer.wrap([(line, piece.kind, piece.text)]):
                placed = Placed(*token)
                placed.offset = piece.offset
                yield placed

    @cached_property
    def lines(self) -> dict[int, list[Piece]]:
        """Pieces inside tags by line, as far as the source can be read."""
        found: dict[int, list[Piece]] = {}
        self.reached = 0
        try:
            for piece in self.pieces():
                if piece.kind in _INSIDE:
                    found.setdefault(self.place(piece.offset)[0], []).append(piece)
        except TemplateSyntaxError:
            pass
        return found

    def find(self, line: int, names: Iterable[str], *, last: bool = False) -> tuple[int, int]:
        """The first of `names` that stands in that line or soon after; else where that line's first tag begins.

        Of several such places the first, or with `last` the last one in that line.
        """
        near = [piece for number in range(line, line + _NEAR) for piece in self.lines.get(number, [])]
        for name in names:
            found = [piece for piece in near if name and piece.text == name]
            found += [piece for piece in near if name and piece.kind == "string" and piece.text[1:-1] == name]
            if found:
                in_line = [piece for piece in found if self.place(piece.offset)[0] == line]
                return self.place((in_line[-1] if last and in_line else found[0]).offset)
        first = self.lines.get(line)
        return self.place(first[0].offset) if first else (line, 1)
