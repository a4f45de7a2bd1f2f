"""Program: a template that has been read, and what it writes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes

from lib.formats.jinja.budget import Budget, current
from lib.formats.jinja.environment import environment
from lib.formats.jinja.faults import Exceeded, Faulty, Refusal, TemplateFault
from lib.formats.jinja.places import Source
from lib.formats.jinja.source import compile_tree, parse

MESSAGE_KEYS = ("role", "content")
_LONGEST_MESSAGE = 300

_QUOTED = re.compile(r"'([^']*)'")
_NO_ATTRIBUTE = re.compile(r"'(.*)' has no (?:attribute|element) '?(\w+)'?")
_UNSAFE = re.compile(r"access to attribute '(\w+)'")
_OPERAND = re.compile(r"operand type\(s\) for (\S+):")


@dataclass(frozen=True, slots=True)
class Written:
    """A text, and the parts of it inside `{% generation %}` blocks, as (start, end) characters in order."""

    text: str
    trained: tuple[tuple[int, int], ...] = ()


class Program:
    """A template that can be run. Use `Program.of`, which remembers.

    `has_blocks`: it says with `{% generation %}` what is trained.
    """

    def __init__(self, text: str, strict: bool) -> None:
        """Read a source; `strict` for one that was written here (see `environment`).

        Raises:
            Faulty: it cannot be read.
        """
        self._source = Source(environment(strict), text)
        tree = parse(self._source)
        marks = (node for node in tree.find_all(nodes.ExtensionAttribute) if node.name == "mark")
        self._first_block = next((node.lineno for node in marks), 0)
        self._template = compile_tree(self._source, tree)

    @classmethod
    def of(cls, text: str, strict: bool) -> Program:
        """The program of a source.

        Raises:
            Faulty: it cannot be read.
        """
        return _read(text, strict)

    @property
    def has_blocks(self) -> bool:
        return self._first_block > 0

    def write(
        self, messages: Sequence[Mapping[str, str]], names: Mapping[str, Any], *, generation: bool, mark: bool = False
    ) -> Written:
        """What the template makes of messages; with `mark`, which parts are trained as well.

        Raises:
            Refusal: the template's author refuses the conversation, in the author's words.
            Faulty: it failed, or did more than it may; says where.
        """
        size = sum(len(text) for message in messages for text in message.values())
        marks = _new_marks() if mark and self.has_blocks else None
        budget = Budget(size, marks)
        token = current.set(budget)
        try:
            text = self._run(budget, {"messages": messages, "add_generation_prompt": generation, **names})
        except Refusal:
            raise
        except Exception as error:  # A template is a program: it may fail in any way.
            raise Faulty(self._fault(error)) from error
        finally:
            current.reset(token)
        return self._unmark(text, marks) if marks else Written(text)

    def place_of(self, name: str) -> tuple[int, int]:
        """Line and column where a name first stands."""
        line = next((line for line, pieces in self._source.lines.items() if name in [p.text for p in pieces]), 1)
        return self._source.find(line, (name,))

    def _run(self, budget: Budget, values: dict[str, Any]) -> str:
        parts, size = [], 0
        for part in self._template.root_render_func(self._template.new_context(values)):
            size += len(part)
            budget.check_size(size)
            parts.append(part)
        text = "".join(parts)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Exceeded("the template writes half of a character (a lone surrogate)") from error
        return text

    def _unmark(self, text: str, marks: tuple[str, str]) -> Written:
        opening, closing = marks
        out: list[str] = []
        spans: list[tuple[int, int]] = []
        length = depth = start = 0
        for piece in re.split(f"({opening}|{closing})", text):
            if piece not in marks:
                out.append(piece)
                length += len(piece)
                continue
            start = length if piece == opening and not depth else start
            depth += 1 if piece == opening else -1
            if depth == 0:
                spans.append((start, length))
        whole = "".join(out)
        if depth or opening[1:-1] in whole:
            message = "what is written in {% generation %} is cut or changed afterwards"
            raise Faulty(TemplateFault(message, *self.place_of("generation")))
        return Written(whole, tuple(spans))

    def _fault(self, error: Exception) -> TemplateFault:
        line, frame = 1, error.__traceback__
        while frame:
            if frame.tb_frame.f_globals.get("__jinja_template__") is self._template:
                line = self._template.get_corresponding_lineno(frame.tb_lineno)
            frame = frame.tb_next
        return TemplateFault(_plain(error), *self._source.find(line, _culprits(error)))


def _new_marks() -> tuple[str, str]:
    """Two texts that stand in no data: nobody can know the number."""
    number = secrets.randbits(64)
    return f"\ue000{number}\ue001", f"\ue000{number}\ue002"


@lru_cache(maxsize=32)
def _read(text: str, strict: bool) -> Program:
    return Program(text, strict)


def _culprits(error: Exception) -> list[str]:
    """Names that may have caused the error, the likeliest first."""
    if isinstance(error, Exceeded):
        return [error.what]
    text = str(error)
    operators = _OPERAND.findall(text) or ["+"] * ("concatenate" in text)
    return [*operators, *reversed(_QUOTED.findall(text))]


def _plain(error: Exception) -> str:
    """What went wrong, in words for somebody who writes templates."""
    text = str(error)[:_LONGEST_MESSAGE].rstrip(".")
    if isinstance(error, RecursionError):
        return "the template calls itself again and again"
    if isinstance(error, MemoryError):
        return "the template needs too much memory"
    if match := _UNSAFE.search(text):
        return f"`{match[1]}` cannot be used in a template"
    if isinstance(error, jinja2.UndefinedError) and (match := _NO_ATTRIBUTE.search(text)):
        owner = "a message" if match[1] == "dict object" else "this"
        return f"{owner} has no `{match[2]}`{did_you_mean(match[2], MESSAGE_KEYS)}"
    if isinstance(error, jinja2.UndefinedError) and text.endswith("is undefined"):
        return f"{text.removesuffix(' is undefined')} is not known".replace("'", "`")
    return text.replace("No filter", "there is no filter") or type(error).__name__


def did_you_mean(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
