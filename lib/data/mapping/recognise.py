"""What shape a source has, judged by its column names and how many sample rows read that way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lib.data.mapping.messages import decoded_list
from lib.data.mapping.reading import read_conversation
from lib.data.mapping.roles import Mapping
from lib.data.splits.hashed import SPELLINGS as SPLIT_SPELLINGS
from lib.errors import BadInput

Row = dict[str, Any]
SPLIT_COLUMNS = ("_split", "split", "set", "fold", "partition")


@dataclass(frozen=True)
class Shape:
    """A known form: its `columns` by role, the first so many of which must be there; the rest if they hold text."""

    label: str
    columns: dict[str, str]
    required: int = 2


SHAPES = (
    Shape("messages", {"messages": "messages"}, 1),
    Shape("messages", {"messages": "conversations"}, 1),
    Shape("messages", {"messages": "conversation"}, 1),
    Shape("Preference, chosen is taken", {"user": "prompt", "chosen": "chosen", "rejected": "rejected"}, 3),
    Shape("Preference, chosen is taken", {"user": "question", "chosen": "chosen", "rejected": "rejected"}, 3),
    Shape("Preference, chosen is taken", {"user": "instruction", "chosen": "chosen", "rejected": "rejected"}, 3),
    Shape("Preference, chosen is taken", {"chosen": "chosen", "rejected": "rejected"}),
    Shape("Alpaca", {"user": "instruction", "assistant": "output", "context": "input", "history": "history"}),
    Shape("Dolly", {"user": "instruction", "assistant": "response", "context": "context"}),
    Shape("Instruction and response", {"user": "instruction", "assistant": "response", "context": "input"}),
    Shape("Instruction and answer", {"user": "instruction", "assistant": "answer", "context": "input"}),
    Shape("Prompt and completion", {"user": "prompt", "assistant": "completion"}),
    Shape("Prompt and response", {"user": "prompt", "assistant": "response", "context": "context"}),
    Shape("Question and answer", {"user": "question", "assistant": "answer", "context": "context"}),
    Shape("Question and response", {"user": "question", "assistant": "response", "context": "context"}),
    Shape("Query and response", {"user": "query", "assistant": "response"}),
    Shape("Query and answer", {"user": "query", "assistant": "answer"}),
    Shape("Prompt and output", {"user": "prompt", "assistant": "output"}),
    Shape("User and assistant", {"user": "user", "assistant": "assistant"}),
    Shape("Input and output", {"user": "input", "assistant": "output"}),
    Shape("Rendered text", {"text": "text"}, 1),
)
# What people also call the two sides, in lower case and without spaces and signs; the likelier names first.
QUESTIONS = (
    "question",
    "instruction",
    "prompt",
    "query",
    "ask",
    "request",
    "user",
    "human",
    "usermessage",
    "userprompt",
    "userinput",
    "input",
    "problem",
    "q",
)
ANSWERS = (
    "answer",
    "response",
    "reply",
    "completion",
    "output",
    "assistant",
    "bot",
    "gpt",
    "assistantmessage",
    "botresponse",
    "modelresponse",
    "assistantresponse",
    "solution",
    "a",
)
LIKELY = 0.5  # share of rows with text on both sides from which on columns are taken for question and answer
COLUMNS_SHOWN = 30


@dataclass(frozen=True)
class Recognition:
    """`confidence` is the share (0 to 1) of the sample rows that read; `hint` says what to do when it is not 1."""

    mapping: Mapping
    label: str
    confidence: float
    hint: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "mapping": self.mapping.to_dict(),
            "label": self.label,
            "confidence": self.confidence,
            "hint": self.hint,
        }


def recognise(columns: Sequence[str], rows: Sequence[Row]) -> Recognition:
    """The known shape that reads most of the sample; an empty mapping and a hint when none fits the columns."""
    found = [_candidate(shape, columns, rows) for shape in SHAPES if _fits(shape, columns)]
    best = max(found, key=lambda candidate: candidate.confidence, default=None)
    if best is not None and (best.confidence or best.mapping["text"] is None):
        return best if best.confidence == 1 else _mixed(best, found, rows)
    if guess := _guess(columns, rows):
        return guess
    hidden = len(columns) - COLUMNS_SHOWN
    listed = ", ".join(columns[:COLUMNS_SHOWN]) + (f" and {hidden:,} more" if hidden > 0 else "") or "none"
    hint = f"Say which column is what: --map user=COLUMN --map assistant=COLUMN. Columns: {listed}."
    return Recognition(Mapping(), "not recognised", 0.0, hint)


def _mixed(best: Recognition, others: list[Recognition], rows: Sequence[Row]) -> Recognition:
    """Rows in several forms, each in columns of its own: with the form that reads most of what is left, and so on."""
    for other in sorted(others, key=lambda candidate: -candidate.confidence):
        both = Mapping({**other.mapping.columns, **best.mapping.columns})
        share = _share(both, rows)
        if share > best.confidence and set(other.mapping.columns) - set(best.mapping.columns):
            best = Recognition(both, f"{best.label} and {other.label}", share)
    return best


def _guess(columns: Sequence[str], rows: Sequence[Row]) -> Recognition | None:
    """Question and answer by their usual other names; None when most rows do not have text in both.

    Its confidence counts the rows that do: a column of numbers would read as well, and be no question.
    """
    names = {re.sub(r"[\W_]+", "", column.lower()): column for column in reversed(columns)}
    user = next((names[name] for name in QUESTIONS if name in names), None)
    assistant = next((names[name] for name in ANSWERS if name in names), None)
    if user is None or assistant is None:
        return None
    found = {"user": user, "assistant": assistant}
    if split := _split_column(_spelled(columns), rows):
        found["split"] = split
    share = sum(_text_in(row, user) and _text_in(row, assistant) for row in rows) / max(len(rows), 1)
    if share < LIKELY:
        return None
    hint = "Guessed by the names of the columns; say otherwise with --map."
    return Recognition(Mapping(found), f"Question and answer, guessed ({user}, {assistant})", share, hint)


def _text_in(row: Row, column: str) -> bool:
    value = row.get(column)
    return isinstance(value, str) and bool(value.strip())


def of_mapping(mapping: Mapping, rows: Sequence[Row]) -> Recognition:
    """How well a mapping given by hand reads the sample."""
    listed = ", ".join(f"{role} = {column}" for role, column in mapping.columns.items())
    return Recognition(mapping, f"Mapped by hand ({listed})", _share(mapping, rows))


def _spelled(columns: Sequence[str]) -> dict[str, str]:
    """Columns by lower-case name; of two that differ by case only, the lower-case one, else the first."""
    names: dict[str, str] = {}
    for column in columns:
        if column.lower() not in names or column.islower():
            names[column.lower()] = column
    return names


def _fits(shape: Shape, columns: Sequence[str]) -> bool:
    names = _spelled(columns)
    return all(name in names for name in list(shape.columns.values())[: shape.required])


def _candidate(shape: Shape, columns: Sequence[str], rows: Sequence[Row]) -> Recognition:
    names = _spelled(columns)
    chosen: dict[str, str] = {}
    for position, (role, name) in enumerate([*shape.columns.items(), ("system", "system")]):
        column = names.get(name)
        if column and (position < shape.required or role == "history" or _holds_text(rows, column)):
            chosen[role] = column
    if split := _split_column(names, rows):
        chosen["split"] = split
    mapping = Mapping(chosen)
    listed = ", ".join(names[name] for role, name in _ordered(shape, chosen))
    title = _message_label(chosen["messages"], rows) if "messages" in chosen else shape.label
    label = f"{'OpenAssistant trees' if 'message_tree_id' in columns else title} ({listed})"
    return Recognition(mapping, label, _share(mapping, rows))


def _ordered(shape: Shape, chosen: dict[str, str]) -> list[tuple[str, str]]:
    """A shape's columns as people list them: material between question and answer."""
    order = ("system", "history", "user", "context", "assistant", "messages", "chosen", "rejected", "text")
    found = {**shape.columns, "system": "system"}
    first = sorted((role for role in chosen if role in found), key=order.index)
    tail = [role for role in first if role in ("system", "history")]
    return [(role, found[role]) for role in [*(role for role in first if role not in tail), *tail]]


def _message_label(column: str, rows: Sequence[Row]) -> str:
    for row in rows:
        items = decoded_list(row.get(column))
        if isinstance(items, list) and items and isinstance(items[0], dict):
            if "from" in items[0]:
                return "ShareGPT"
            return "OpenAI messages" if column.lower() == "messages" else "Conversations with role and content"
    return "Messages"


def _holds_text(rows: Sequence[Row], column: str) -> bool:
    values = [row.get(column) for row in rows]
    return sum(value is None or isinstance(value, (str, float)) for value in values) * 2 > len(values)


def _split_column(names: dict[str, str], rows: Sequence[Row]) -> str:
    for name in SPLIT_COLUMNS:
        values = [row.get(names[name]) for row in rows] if name in names else []
        if values and all(isinstance(value, str) and value.strip().lower() in SPLIT_SPELLINGS for value in values):
            return names[name]
    return ""


def _share(mapping: Mapping, rows: Sequence[Row]) -> float:
    def reads(row: Row) -> bool:
        try:
            read_conversation(row, mapping)
        except BadInput:
            return False
        return True

    return sum(map(reads, rows)) / len(rows) if rows else 0.0
