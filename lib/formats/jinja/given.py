"""The functions that a template is given, besides messages and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.utils import Cycler, Joiner, Namespace

from lib.formats.jinja.faults import Exceeded, Refusal

_RANGE = 100_000
_FORM = 200
_MESSAGE = 500


class Space(Namespace):
    """`namespace()` without attributes of Python's own, and without printing what is in it."""

    def __init__(*args: Any, **values: Any) -> None:
        self, *given = args
        values = dict(*given, **values)
        if any(not isinstance(name, str) or name.startswith("_") for name in values):
            raise SecurityError("names in a namespace may not start with an underscore")
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise SecurityError("names in a namespace may not start with an underscore")
        Namespace.__setitem__(self, name, value)

    def __repr__(self) -> str:
        return "<namespace>"


def _raise_exception(message: str) -> None:
    raise Refusal(str(message)[:_MESSAGE])


def _now(form: str) -> str:
    if len(form) > _FORM:
        raise Exceeded(f"the form of a date may have {_FORM} characters", "strftime_now")
    return datetime.now().strftime(form)


def _range(*limits: int) -> range:
    found = range(*limits)
    if (limits and max(map(abs, limits)) > 10**12) or len(found) > _RANGE:
        raise Exceeded(f"a range may have {_RANGE:,} numbers", "range")
    return found


def _dict(*given: Any, **values: Any) -> dict[Any, Any]:
    return dict(*given, **values)


GIVEN: dict[str, Any] = {
    "cycler": Cycler,
    "dict": _dict,
    "joiner": Joiner,
    "namespace": Space,
    "raise_exception": _raise_exception,
    "range": _range,
    "strftime_now": _now,
}
