"""A row and a mapping give a `Conversation`; every reader of data sets goes through here."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Row
from typing import Any

from lib.data.mapping.messages import decoded_list, is_messages, is_missing, read_messages, text_of
from lib.data.mapping.roles import Mapping
from lib.data.sources.items import describe
from lib.errors import BadInput
from lib.records import Conversation, Message, Role

Question = tuple[str, str]
"""Text and context of the first thing a user says in a row: what makes two rows the same question."""


def read_conversation(row: Row[str, Any], mapping: Mapping) -> Conversation:
    """Read one row. Empty text is kept (curation finds it); the order of roles is not judged (templates do).

    Raises:
        BadInput: its message is the reason, such as "output is a list, text expected".
    """
    mapping = mapping.of_row(row)
    columns = mapping.columns
    if "messages" in columns:
        messages = read_messages(row.get(columns["messages"]), columns["messages"])
    elif "chosen" in columns:
        messages = _chosen(row, columns)
    elif "text" in columns:
        return read_rendered(row, mapping)[0]
    else:
        messages = _pair(row, columns)
    return Conversation(tuple(_with_system(row, columns, messages)))


def is_rendered(mapping: Mapping) -> bool:
    """Whether rows are read from text in rendered form, by the `text` role."""
    return "text" in mapping.columns and not {"messages", "chosen"} & mapping.columns.keys()


def read_rendered(row: Row[str, Any], mapping: Mapping) -> tuple[Conversation, str]:
    """A row of rendered text, and the template that it is in; raises what `read_conversation` raises."""
    columns = mapping.columns
    messages, form = _rendered(row.get(columns["text"]), columns["text"])
    return Conversation(tuple(_with_system(row, columns, messages))), form


def _with_system(row: Row[str, Any], columns: dict[str, str], messages: list[Message]) -> list[Message]:
    system = _optional(row, columns, "system")
    if system and not (messages and messages[0].role == "system"):
        return [Message("system", system), *messages]
    return messages


def _optional(row: Row[str, Any], columns: dict[str, str], role: str) -> str:
    column = columns.get(role, "")
    value = row.get(column) if column else None
    return "" if is_missing(value) else text_of(value, column)


def _pair(row: Row[str, Any], columns: dict[str, str]) -> list[Message]:
    history = _history(row.get(columns["history"]), columns["history"]) if "history" in columns else []
    user = _side(row, columns["user"], "user", _optional(row, columns, "context"))
    return [*history, *user, *_side(row, columns["assistant"], "assistant")]


def _side(row: Row[str, Any], column: str, role: Role, context: str = "") -> list[Message]:
    """One message, or several where the column holds a list of them."""
    value = row.get(column)
    if is_messages(value):
        return read_messages(value, column)
    return [Message(role, text_of(value, column), context)]


def _chosen(row: Row[str, Any], columns: dict[str, str]) -> list[Message]:
    column = columns["chosen"]
    chosen = decoded_list(row.get(column))
    if is_messages(chosen):
        answer = read_messages(chosen, column)
        if "user" not in columns or any(message.role == "user" for message in answer):
            return answer
    elif "user" not in columns:
        return _rendered(chosen, column)[0]
    else:
        answer = [Message("assistant", text_of(chosen, column))]
    return [*_side(row, columns["user"], "user", _optional(row, columns, "context")), *answer]


def _rendered(value: Any, column: str) -> tuple[list[Message], str]:
    from lib.formats import parse_any

    if not isinstance(value, str):
        text_of(value, column)
        raise BadInput(f"{column} is {describe(value)}, text expected", "Map the column of rendered text.")
    try:
        conversation, form = parse_any(value)
    except BadInput as error:
        raise BadInput(f"{column} cannot be read: {error.message.rstrip('.')}", error.hint) from error
    return list(conversation.messages), form


def _history(value: Any, column: str) -> list[Message]:
    pairs = decoded_list(value)
    if pairs is None or pairs == "":
        return []
    if not isinstance(pairs, list):
        raise BadInput(f"{column} is {describe(pairs)}, a list of pairs expected", "Give [question, answer] pairs.")
    messages = []
    for number, pair in enumerate(pairs, start=1):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise BadInput(f"{column}: item {number} is not a pair", "Give [question, answer] pairs.")
        question, answer = (text_of(text, f"{column}: item {number}") for text in pair)
        messages += [Message("user", question), Message("assistant", answer)]
    return messages


def question_of(conversation: Conversation) -> Question:
    """The first user message, or the first message where nobody asks."""
    messages = conversation.messages
    first = next((message for message in messages if message.role == "user"), messages[0])
    return first.content, first.context


def question_reader(mapping: Mapping) -> Callable[[dict[str, Any]], Question]:
    """A function that gives a row's question and raises `BadInput` where `read_conversation` would.

    Rows of two or three plain texts, nearly all there are, are judged without building the conversation.
    """
    columns = mapping.columns
    simple = columns.keys() <= {"user", "assistant", "context", "rejected", "split"}
    user, assistant, context = (columns.get(role, "") for role in ("user", "assistant", "context"))

    def read(row: dict[str, Any]) -> Question:
        if simple and type(row.get(user)) is str and type(row.get(assistant)) is str:
            about = row.get(context) if context else None
            if about is None or type(about) is str:
                return row[user], about or ""
        return question_of(read_conversation(row, mapping))

    return read
