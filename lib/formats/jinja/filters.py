"""The filters of templates: Jinja's own, each within the budget; without those for chance, links and HTML.

`tojson` writes plain JSON, as transformers has it: Jinja's own escapes for HTML.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.filters import FILTERS as JINJA
from jinja2.runtime import Context

from lib.formats.jinja import guards
from lib.formats.jinja.budget import Budget, current, size_of
from lib.formats.jinja.faults import Exceeded

_LEFT_OUT = {
    "filesizeformat",
    "join",
    "pprint",
    "random",
    "striptags",
    "sum",
    "tojson",
    "urlencode",
    "urlize",
    "wordwrap",
    "xmlattr",
}
_COUNT = 100_000
_DIGITS = 400
_INDENT = 32

Filter = Callable[..., Any]


def text_of(budget: Budget, value: Any) -> str:
    """The value as it prints, if that is not too long."""
    if isinstance(value, str):
        return value
    budget.weigh(value)
    return str(value)


def _within_budget(name: str, function: Filter) -> Filter:
    kind = getattr(function, "jinja_pass_arg", None)
    lead = kind.name if kind else ""
    guard = _GUARDS.get(name)

    # Taking the context, it is also never computed ahead, when a template is read.
    @pass_context
    def limited(context: Context, value: Any = None, *args: Any, **options: Any) -> Any:
        budget = current.get()
        budget.step(1 + size_of(value))
        if guard:
            guard(budget, value, (*args, *options.values()))
        first = {"context": context, "eval_context": context.eval_ctx, "environment": context.environment}.get(lead)
        result = function(first, value, *args, **options) if lead else function(value, *args, **options)
        return budget.made(result, name)

    return limited


@pass_context
def _join(context: Context, value: Any, d: Any = "", attribute: Any = None) -> str:
    budget = current.get()
    items = JINJA["map"](context, value, attribute=attribute) if attribute is not None else value
    parts = [text_of(budget, item) for item in budget.walk(items)]
    separator = text_of(budget, d)
    guards.check_join(budget, separator, parts)
    return str(budget.made(separator.join(parts)))


@pass_context
def _sum(context: Context, iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    items = JINJA["map"](context, iterable, attribute=attribute) if attribute is not None else iterable
    total = start
    for item in current.get().walk(items):
        total = context.environment.call_binop(context, "+", total, item)  # type: ignore[attr-defined]
    return total


@pass_context
def _to_json(context: Context, value: Any, ensure_ascii: bool = False, indent: Any = None, **options: Any) -> str:
    budget = current.get()
    budget.weigh(value, "tojson")
    if len(indent if isinstance(indent, str) else " " * min(indent or 0, _INDENT + 1)) > _INDENT:
        raise Exceeded(f"an indentation may have {_INDENT} characters", "tojson")
    encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, indent=indent, **options)
    if indent is None and not options:
        return str(budget.made(encoder.encode(value), "tojson"))
    parts = []
    for part in encoder.iterencode(value):
        budget.make(len(part), "tojson")
        parts.append(part)
    return "".join(parts)


def _width(budget: Budget, value: Any, args: tuple[Any, ...]) -> None:
    budget.check_size(args[0] if args and isinstance(args[0], int) else 0, "center")


def _indent(budget: Budget, value: Any, args: tuple[Any, ...]) -> None:
    width = next((len(arg) if isinstance(arg, str) else int(arg) for arg in args if arg), 4)
    text = text_of(budget, value)
    budget.check_size(len(text) + (text.count("\n") + 1) * width, "indent")


def _replace(budget: Budget, value: Any, args: tuple[Any, ...]) -> None:
    text, *pair = (text_of(budget, part) for part in (value, *args[:2]))
    if len(pair) > 1:
        guards.check_replace(budget, text, pair[0], pair[1])


def _strip(budget: Budget, value: Any, args: tuple[Any, ...]) -> None:
    guards.check_strip("trim", args[0] if args else None)


def _format(budget: Budget, value: Any, args: tuple[Any, ...]) -> None:
    guards.check_percent(budget, text_of(budget, value), args)


def _few(budget: Budget, value: Any, args: tuple[Any, ...]) -> None:
    if any(isinstance(arg, int) and arg > _COUNT for arg in args):
        raise Exceeded(f"the template asks for more than {_COUNT:,} parts")


def _few_digits(budget: Budget, value: Any, args: tuple[Any, ...]) -> None:
    if any(isinstance(arg, int) and abs(arg) > _DIGITS for arg in args):
        raise Exceeded(f"the template asks for more than {_DIGITS} digits", "round")


_GUARDS: dict[str, Callable[[Budget, Any, tuple[Any, ...]], None]] = {
    "batch": _few,
    "center": _width,
    "format": _format,
    "indent": _indent,
    "replace": _replace,
    "round": _few_digits,
    "slice": _few,
    "trim": _strip,
}

FILTERS: dict[str, Filter] = {
    **{name: _within_budget(name, function) for name, function in JINJA.items() if name not in _LEFT_OUT},
    "join": _join,
    "sum": _sum,
    "tojson": _to_json,
}
