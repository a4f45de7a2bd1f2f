"""Which column of a source is what: the `Mapping` from roles to columns."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from collections.abc import Mapping as Row
from dataclasses import dataclass, field
from typing import Any

from lib.data.mapping.messages import is_missing
from lib.errors import BadInput

ROLES = {
    "user": "the question or instruction",
    "context": "material that the question is about (Alpaca's input)",
    "assistant": "the answer",
    "system": "the system prompt",
    "history": "earlier turns, a list of [question, answer] pairs",
    "messages": "a list of messages",
    "text": "a whole conversation in rendered form",
    "chosen": "the preferred answer",
    "rejected": "the answer not preferred; kept as a column, never read",
    "split": "train, test or validation",
}
SYNONYMS = {
    "instruction": "user",
    "prompt": "user",
    "question": "user",
    "query": "user",
    "human": "user",
    "input": "context",
    "output": "assistant",
    "response": "assistant",
    "answer": "assistant",
    "completion": "assistant",
    "gpt": "assistant",
    "conversations": "messages",
    "conversation": "messages",
}


FORMS = (("messages",), ("chosen",), ("user", "assistant"), ("text",))
"""Roles that make a conversation, one form each; in this order where a row has several."""


def role_named(name: str) -> str:
    """The role of that name or synonym.

    Raises:
        BadInput: no such role; lists them.
    """
    key = name.strip().lower()
    role = SYNONYMS.get(key, key)
    if role not in ROLES:
        raise BadInput(f"There is no role {name!r}.", f"Roles: {', '.join(ROLES)}.")
    return role


def _filled(value: Any) -> bool:
    return not (is_missing(value) or value in ("", []))


@dataclass(frozen=True)
class Mapping:
    """`columns` maps a role to the column that plays it. An empty mapping reads nothing."""

    columns: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, pairs: Iterable[str]) -> Mapping:
        """Read `role=column` pairs, as given on the command line; synonyms of roles are understood.

        Raises:
            BadInput: a pair without `=`, an unknown role, a role given twice.
        """
        columns: dict[str, str] = {}
        for pair in pairs:
            name, equals, column = pair.partition("=")
            if not equals or not column:
                raise BadInput(f"{pair!r} is not a mapping.", "Write role=column, such as user=question.")
            role = role_named(name)
            if role in columns:
                raise BadInput(f"The role {role} is given twice.", "Map one column to each role.")
            columns[role] = column
        return cls(columns)

    def __bool__(self) -> bool:
        return bool(self.columns)

    def __getitem__(self, role: str) -> str | None:
        return self.columns.get(role)

    def check(self) -> Mapping:
        """Return itself when it is enough to read conversations.

        Raises:
            BadInput: no messages, text, chosen answer or question with answer is mapped.
        """
        have = set(self.columns)
        if not have & {"messages", "text", "chosen"} and not {"user", "assistant"} <= have:
            missing = [role for role in ("user", "assistant") if role not in have]
            raise BadInput(
                f"The mapping has no column for {' and '.join(missing)}.",
                "Map user and assistant, or one of messages, text and chosen.",
            )
        return self

    def of_row(self, row: Row[str, Any]) -> Mapping:
        """Itself; of a mapping for several forms, the part for the one that the row is in.

        That is the first form with something in its columns; the first of all where there is none.
        """
        forms = [form for form in FORMS if self.columns.keys() >= set(form)]
        if len(forms) < 2:
            return self
        used = next((form for form in forms if any(_filled(row.get(self.columns[role])) for role in form)), forms[0])
        others = {role for form in forms if form != used for role in form} - set(used)
        if used == ("chosen",):
            others.discard("user")  # what the preferred answer answers
        return Mapping({role: column for role, column in self.columns.items() if role not in others})

    def resolve(self, available: Iterable[str]) -> Mapping:
        """The same mapping with the columns spelled as the source spells them.

        Raises:
            BadInput: the source has no such column; lists those it has.
        """
        names = list(available)
        folded = {name.lower(): name for name in names}
        columns = {}
        for role, column in self.columns.items():
            found = column if column in names else folded.get(column.lower())
            if found is None:
                close = difflib.get_close_matches(column, names, 1)
                meant = f" Did you mean {close[0]!r}?" if close else ""
                raise BadInput(f"There is no column {column!r}.{meant}", f"Columns: {', '.join(map(repr, names))}.")
            columns[role] = found
        return Mapping(columns)

    def renamed(self, names: dict[str, str]) -> Mapping:
        """The same mapping after columns were renamed."""
        return Mapping({role: names.get(column, column) for role, column in self.columns.items()})

    def to_dict(self) -> dict[str, Any]:
        return dict(self.columns)

    @classmethod
    def from_dict(cls, value: dict[str, str]) -> Mapping:
        return cls({role_named(role): column for role, column in value.items()})
