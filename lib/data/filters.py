"""What a person looks for in a dataset: search, conditions and order, as a record that fits into an address.

query = Query.parse(["status:is:pending", ".source:is:GARD", "answer_tokens:in:512.."], search="bursa")
query.to_dict(); query.words()

A field is a computed one by its name (`status`, `turns`, `answer_tokens` …) or a column of the source as `.name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args
from urllib.parse import quote, unquote

from lib.errors import BadInput

Operator = Literal["is", "not", "has", "in", "any", "empty", "filled"]
OPERATORS: dict[str, str] = {
    "is": "is",
    "not": "is not",
    "has": "contains",
    "in": "is in the range",
    "any": "is one of",
    "empty": "is empty",
    "filled": "is not empty",
}
assert tuple(OPERATORS) == get_args(Operator)
UNARY = ("empty", "filled")
_RANGE = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)?\.\.(-?[\d.]+(?:e[+-]?\d+)?)?", re.IGNORECASE)
COLUMN = "."


@dataclass(frozen=True)
class Condition:
    """One test of a field. The value of `in` is `low..high`: from `low` on, below `high`; either may be left out.
    That of `any` is a list of numbers: `3,5,9`.
    """

    field: str
    operator: str
    value: str = ""

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read `field:operator:value`, where `:` and `%` of the field are percent-encoded.

        Raises:
            BadInput: not that form, or an unknown operator.
        """
        field, _, rest = text.partition(":")
        operator, _, value = rest.partition(":")
        if not field or operator not in OPERATORS:
            raise BadInput(
                f"{text!r:.80} is not a condition.", f"Write field:operator:value; operators: {', '.join(OPERATORS)}."
            )
        condition = cls(unquote(field), operator, "" if operator in UNARY else value)
        if operator == "in":
            condition.range()
        if operator == "any":
            condition.numbers()
        return condition

    def __str__(self) -> str:
        """The form that `parse` reads."""
        field = quote(self.field, safe=" !#$&'()*+,/;=?@[]<>|{}\"\\^`")
        return f"{field}:{self.operator}" + ("" if self.operator in UNARY else f":{self.value}")

    def range(self) -> tuple[float | None, float | None]:
        """Bounds of an `in` condition.

        Raises:
            BadInput: not a range of numbers.
        """
        found = _RANGE.fullmatch(self.value.strip())
        try:
            low, high = ((float(part) if part else None) for part in found.groups()) if found else (None, None)
        except ValueError:
            found = None
        if not found or (low is None and high is None):
            raise BadInput(f"{self.value!r:.60} is not a range.", "Write low..high, low.. or ..high.")
        return low, high

    def numbers(self) -> list[int]:
        """Numbers of an `any` condition.

        Raises:
            BadInput: not a list of whole numbers.
        """
        try:
            return [int(part) for part in self.value.split(",")]
        except ValueError as error:
            raise BadInput(f"{self.value!r:.60} is not a list of whole numbers.", "Write 3,5,9.") from error

    def words(self, label: str = "") -> str:
        """The condition as people read it; `label` stands for the field."""
        name = label or self.field.removeprefix(COLUMN)
        if self.operator == "in":
            low, high = self.range()
            if low is not None and high is not None:
                return f"{name} {low:,.12g} to {high:,.12g}"
            return f"{name} ≥ {low:,.12g}" if low is not None else f"{name} < {high:,.12g}"
        if self.operator == "any":
            numbers = self.numbers()
            return f"{name} {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} chosen {name}s"
        if self.operator in UNARY:
            return f"{name} {OPERATORS[self.operator]}"
        sign = {"is": "=", "not": "≠", "has": "contains"}[self.operator]
        return f"{name} {sign} {self.value}"


@dataclass(frozen=True)
class Query:
    """Rows that match all conditions and the search, in an order. `tokenizer` is the model whose tokens are counted.

    Deleted rows match only where a condition on `deleted` asks for them.
    """

    conditions: tuple[Condition, ...] = ()
    search: str = ""
    sort: str = ""
    descending: bool = False
    tokenizer: str = ""

    @classmethod
    def parse(cls, conditions: Iterable[str] = (), search: str = "", sort: str = "", tokenizer: str = "") -> Query:
        """Read conditions as `Condition.parse` does; `sort` is a field, with `-` before it for descending.

        Raises:
            BadInput: see `Condition.parse`.
        """
        parsed = dict.fromkeys(Condition.parse(text) for text in conditions)
        return cls(tuple(parsed), search.strip(), sort.removeprefix("-"), sort.startswith("-"), tokenizer)

    @property
    def order(self) -> str:
        """The order as `parse` reads it."""
        return f"-{self.sort}" if self.sort and self.descending else self.sort

    def to_dict(self) -> dict[str, Any]:
        return {
            "conditions": [str(condition) for condition in self.conditions],
            "search": self.search,
            "sort": self.order,
            "tokenizer": self.tokenizer,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Query:
        return cls.parse(value["conditions"], value["search"], value["sort"], value["tokenizer"])

    def without(self, field: str) -> Query:
        """The same query without the conditions on a field."""
        return replace(self, conditions=tuple(one for one in self.conditions if one.field != field))

    def adding(self, condition: Condition) -> Query:
        """The same query with one condition more; a range takes the place of another range of its field."""
        kept = [
            one
            for one in self.conditions
            if one != condition and not (one.field == condition.field and one.operator == condition.operator == "in")
        ]
        return replace(self, conditions=(*kept, condition))

    def words(self) -> str:
        """The query as people read it; empty when every row matches."""
        parts = [f"text contains {self.search!r}"] if self.search else []
        return ", ".join([*parts, *(condition.words() for condition in self.conditions)])
