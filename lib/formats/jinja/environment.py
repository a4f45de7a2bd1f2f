"""The sandbox: Jinja's own, with a list of the attributes that there are, and every call and operator counted.

What a template may use follows `transformers/utils/chat_template_utils.py`
(https://github.com/huggingface/transformers): trimmed blocks, loop controls, `tojson`, `raise_exception`,
`strftime_now`, `{% generation %}` blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes, pass_context
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler

from lib.formats.jinja import guards
from lib.formats.jinja.budget import current, size_of
from lib.formats.jinja.filters import FILTERS, text_of
from lib.formats.jinja.given import GIVEN, Space

_LOOP = frozenset(
    {
        "changed",
        "cycle",
        "depth",
        "depth0",
        "first",
        "index",
        "index0",
        "last",
        "length",
        "nextitem",
        "previtem",
        "revindex",
        "revindex0",
    }
)
_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, guards.TEXT_METHODS),
    (dict, frozenset({"copy", "get", "items", "keys", "values"})),
    (list, frozenset({"copy", "count", "index"})),
    (tuple, frozenset({"count", "index", "grouper", "list"})),
    (LoopContext, _LOOP),
    (Cycler, frozenset({"current", "next", "reset"})),
)


class _Generation(Extension):
    """`{% generation %} … {% endgeneration %}`: what is in it is trained. Marked only when the budget has marks."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("mark"), [], [], body).set_lineno(line)

    def mark(self, caller: Macro) -> str:
        text = str(caller())
        marks = current.get().marks
        return f"{marks[0]}{text}{marks[1]}" if marks else text


class StrictUndefined(jinja2.Undefined):
    """May be tested, but not printed: in a text of one's own it is a slip."""

    def __str__(self) -> str:  # noqa: PLE0307 - it never returns
        self._fail_with_undefined_error()


def _ours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function that only rewritten programs call, and that counts by itself."""
    function.ours = True  # type: ignore[attr-defined]
    return function


@_ours
def _step() -> bool:
    current.get().step()
    return True


@_ours
def _written(size: int) -> None:
    current.get().make(size)


@_ours
def _made(value: Any) -> Any:
    return current.get().made(value)


@_ours
def _tilde(*parts: Any) -> str:
    budget = current.get()
    texts = [text_of(budget, part) for part in parts]
    budget.make(sum(map(len, texts)), "~")
    return "".join(texts)


@pass_context
def _print(context: Context, value: Any) -> str:
    budget = current.get()
    text = text_of(budget, value)
    budget.make(len(text))
    return text


class Sandbox(ImmutableSandboxedEnvironment):
    """Use `environment`. `step`, `written`, `made`, `tilde`: what `source` writes into programs."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    step = staticmethod(_step)
    written = staticmethod(_written)
    made = staticmethod(_made)
    tilde = staticmethod(_tilde)

    def __init__(self, strict: bool) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
            undefined=StrictUndefined if strict else jinja2.Undefined,
            finalize=_print,
        )
        self.filters = dict(FILTERS)
        self.globals = dict(GIVEN)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if not super().is_safe_attribute(obj, attr, value):
            return False
        if type(obj) is Space:
            return True
        return any(attr in names for kind, names in _ATTRIBUTES if isinstance(obj, kind))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if super().wrap_str_format(value) is None:
            return None
        return lambda *args, **names: self._format(value.__name__, value.__self__, args, names)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        budget = current.get()
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            budget.make(len(left) + len(right), "+")
            return left + right
        if operator == "%" and isinstance(left, str):
            guards.check_percent(budget, left, right)
        elif operator == "*":
            guards.check_times(budget, left, right)
        elif operator == "**":
            guards.check_number_power(left, right)
        elif isinstance(left, (list, tuple)):
            budget.check_size(size_of(left) + size_of(right), "+")
        budget.step()
        return budget.made(super().call_binop(context, operator, left, right), operator)

    def call(__self, __context: Context, __obj: Any, *args: Any, **names: Any) -> Any:
        if getattr(__obj, "ours", False) is True:
            return __obj(*args)
        budget = current.get()
        text = getattr(__obj, "__self__", None)
        budget.step(1 + size_of(text))
        if isinstance(text, str):
            given = [value for name, value in names.items() if name not in ("_loop_vars", "_block_vars")]
            checked = guards.text_method(budget, __obj.__name__, text, (*args, *given))
            args = args if given else checked
        return budget.made(super().call(__context, __obj, *args, **names), getattr(__obj, "__name__", ""))

    def _format(self, method: str, text: str, args: tuple[Any, ...], names: Any) -> str:
        formatter = guards.Formatter(self, current.get())
        if method == "format_map":
            return str(formatter.vformat(text, (), args[0]))
        return str(formatter.vformat(text, args, names))


@lru_cache(maxsize=2)
def environment(strict: bool) -> Sandbox:
    """`strict`: names that are not there may not be printed, as in templates that people write here."""
    return Sandbox(strict)
