"""Methods of texts and operators that make much out of little: their cost, before they run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment
from jinja2.sandbox import SandboxedFormatter

from lib.formats.jinja.budget import BITS, Budget
from lib.formats.jinja.faults import Exceeded

_NUMBER = re.compile(r"\d+")
_SET_OF_CHARACTERS = 1_000
_COMPARED = 50_000_000

TEXT_METHODS = frozenset({
    "capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "format", "format_map", "index",
    "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace",
    "istitle", "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace",
    "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip",
    "swapcase", "title", "upper", "zfill",
})  # fmt: skip
"""Those that make text of text; `encode` makes bytes, which nothing here looks after."""


def text_method(budget: Budget, name: str, text: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Check a call of `text.name(*args)`; the arguments to give it, which for `join` are read once and kept."""
    if name == "join" and args:
        parts = list(budget.walk(args[0]))
        check_join(budget, text, parts)
        return (parts,)
    if guard := _GUARDS.get(name):
        guard(budget, name, text, args)
    return args


def check_join(budget: Budget, separator: str, parts: list[Any]) -> None:
    size = sum(len(part) for part in parts if isinstance(part, str)) + len(separator) * len(parts)
    budget.check_size(size, "join")


def check_replace(budget: Budget, text: str, old: str, new: str) -> None:
    if len(new) > len(old):
        budget.check_size(len(text) + text.count(old) * (len(new) - len(old)), "replace")


def check_strip(name: str, characters: Any) -> None:
    if isinstance(characters, str) and len(characters) > _SET_OF_CHARACTERS:
        raise Exceeded("the template strips far too many kinds of characters", name)


def check_percent(budget: Budget, form: str, values: Any) -> None:
    """`form % values`: every width that stands there or comes from the values, and the values as often as they can."""
    weight = budget.weigh(values, "%")
    given = values if isinstance(values, tuple) else (values,)
    widest = max((abs(value) for value in given if isinstance(value, int)), default=0) if "*" in form else 0
    budget.check_size(len(form) + _widths(form) + form.count("%") * (weight + widest), "%")


def check_number_power(base: Any, exponent: Any) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * max(exponent, 0) > BITS:
        raise Exceeded("the template computes a number that is far too large", "**")


def check_times(budget: Budget, left: Any, right: Any) -> None:
    for value, count in ((left, right), (right, left)):
        if isinstance(value, (str, list, tuple)) and isinstance(count, int):
            budget.check_size(budget.weigh(value, "*") * max(count, 0), "*")


class Formatter(SandboxedFormatter):
    """`str.format` whose parts are counted before and after they are made."""

    def __init__(self, environment: Environment, budget: Budget) -> None:
        super().__init__(environment)
        self._budget = budget

    def format_field(self, value: Any, format_spec: str) -> Any:
        self._budget.check_size(_widths(format_spec) + self._budget.weigh(value, "format"), "format")
        text = super().format_field(value, format_spec)
        self._budget.make(len(text), "format")
        return text


def _widths(form: str) -> int:
    """All numbers in a format, added up."""
    return sum(int(digits) if len(digits) < 12 else 10**12 for digits in _NUMBER.findall(form))


def _width(budget: Budget, name: str, text: str, args: tuple[Any, ...]) -> None:
    budget.check_size(_largest(args), name)


def _tabs(budget: Budget, name: str, text: str, args: tuple[Any, ...]) -> None:
    budget.check_size(len(text) + text.count("\t") * _largest(args), name)


def _largest(args: tuple[Any, ...]) -> int:
    return max((number for number in args if isinstance(number, int)), default=8)


def _replace(budget: Budget, name: str, text: str, args: tuple[Any, ...]) -> None:
    if len(args) > 1 and isinstance(args[0], str) and isinstance(args[1], str):
        check_replace(budget, text, args[0], args[1])


def _strip(budget: Budget, name: str, text: str, args: tuple[Any, ...]) -> None:
    check_strip(name, args[0] if args else None)


def _from_the_right(budget: Budget, name: str, text: str, args: tuple[Any, ...]) -> None:
    """Python's search from the right compares every place with the whole of what is looked for."""
    longest = max((len(part) for part in args if isinstance(part, str)), default=0)
    if len(text) * longest > _COMPARED:
        raise Exceeded("the template looks for a text that is far too long", name)


_GUARDS: Mapping[str, Callable[[Budget, str, str, tuple[Any, ...]], None]] = {
    **dict.fromkeys(("center", "ljust", "rjust", "zfill"), _width),
    **dict.fromkeys(("strip", "lstrip", "rstrip"), _strip),
    **dict.fromkeys(("rfind", "rindex", "rsplit", "rpartition"), _from_the_right),
    "expandtabs": _tabs,
    "replace": _replace,
}
