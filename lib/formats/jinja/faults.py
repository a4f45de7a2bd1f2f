"""What is wrong with a template, and where."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lib.errors import ModelError


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """`message` in plain words; `line` and `column` in the source, both from 1."""

    message: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class TemplateError(ModelError):
    """A template that cannot be read, or that fails on a conversation. `fault` says where in its source."""

    def __init__(self, title: str, fault: TemplateFault, hint: str) -> None:
        super().__init__(f"{title}, {fault}", hint)
        self.fault = fault

    @property
    def line(self) -> int:
        return self.fault.line

    @property
    def column(self) -> int:
        return self.fault.column

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "fault": self.fault.to_dict()}


class Exceeded(Exception):
    """The template does more than it may. `what`: the name in the source that did it, when one did."""

    def __init__(self, message: str, what: str = "") -> None:
        super().__init__(message)
        self.what = what


class Refusal(Exception):
    """What `raise_exception` raises: the template's author refuses the conversation."""


class Faulty(Exception):
    """A template that cannot be read, or that failed: what `TemplateError` is made of."""

    def __init__(self, fault: TemplateFault) -> None:
        super().__init__(str(fault))
        self.fault = fault
