"""A conversation goes back into the columns of the row it was read from: the inverse of `read_conversation`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping as Row
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from lib.data.columns import Column
from lib.data.mapping.messages import ROLE_KEYS, SPELLINGS, TEXT_KEYS, decoded_list, is_messages, read_messages, text_of
from lib.data.mapping.reading import read_conversation
from lib.data.mapping.roles import Mapping
from lib.errors import BadInput, CannotCarry
from lib.records import Conversation, Message

_OTHER_SIDE = {"human": {"assistant": "gpt"}, "gpt": {"user": "human"}}  # where a side has no example


def write_conversation(
    conversation: Conversation, row: Row[str, Any], mapping: Mapping, columns: Sequence[Column]
) -> dict[str, Any]:
    """Values for the columns of `row` that must change so that it reads as `conversation`; empty when none must.

    `mapping` may name columns that the row does not have yet, for a system prompt or earlier turns.

    Raises:
        CannotCarry: the columns have no place for it; says why.
    """
    if _reads_as(conversation, row, mapping):
        return {}
    roles = mapping.of_row(row).columns
    messages = list(conversation.messages)
    if "messages" in roles:
        values = _into_list(messages, row, roles, "messages")
    elif "chosen" in roles and ("user" not in roles or _has_question(row.get(roles["chosen"]))):
        rendered = not is_messages(decoded_list(row.get(roles["chosen"])))
        values = (_into_text if rendered else _into_list)(messages, row, roles, "chosen")
    elif "text" in roles:
        values = _into_text(messages, row, roles, "text")
    else:
        values = _into_pair(messages, row, roles, "chosen" if "chosen" in roles else "assistant")
    kinds = {column.name: column.kind for column in columns}
    typed = {name: _typed(value, kinds.get(name, "text"), name) for name, value in values.items()}
    changed = {name: value for name, value in typed.items() if row.get(name) != value}
    if not _reads_as(conversation, {**row, **changed}, mapping):
        raise CannotCarry(
            f"The columns of this dataset ({', '.join(roles.values())}) cannot hold this conversation.",
            "Keep the order of roles that they have, or import the rows as lists of messages.",
        )
    return changed


def _reads_as(conversation: Conversation, row: Row[str, Any], mapping: Mapping) -> bool:
    try:
        return read_conversation(row, mapping) == conversation
    except BadInput:
        return False


def _typed(value: Any, kind: str, column: str) -> Any:
    """A value as its column stores it: lists as JSON text in a text column, text as a number or truth value.

    Raises:
        CannotCarry: the text is no such value.
    """
    if kind == "text" and isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if kind in ("text", "json") or not isinstance(value, str):
        return value
    wanted: dict[str, tuple[type, ...]] = {"integer": (int,), "float": (int, float), "boolean": (bool,)}
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    if type(found) not in wanted[kind]:
        raise CannotCarry(f"The column {column} holds {kind} values; {value!r:.40} is none.", "Write one.")
    return float(found) if kind == "float" else found


# What a row may be -----------------------------------------------------------------------------------------------


def _into_list(messages: list[Message], row: Row[str, Any], roles: dict[str, str], role: str) -> dict[str, Any]:
    """One column with a list of messages."""
    column = roles[role]
    before = decoded_list(row.get(column))
    if not is_messages(before):
        raise CannotCarry(f"{column} holds no list of messages that could be changed.", "Delete the row, or import it.")
    messages, values = _take_system(messages, row, roles, own=_role_of(before[0]) == "system")
    return {**values, column: _in_form_of(row.get(column), messages)}


def _into_text(messages: list[Message], row: Row[str, Any], roles: dict[str, str], role: str) -> dict[str, Any]:
    """One column with a conversation in rendered form; its template stays."""
    from lib.formats import parse_any, render_text

    column = roles[role]
    try:
        before, template = parse_any(text_of(row.get(column), column))
    except BadInput as error:
        raise CannotCarry(f"{column} cannot be read, so it cannot be changed.", error.hint) from error
    messages, values = _take_system(messages, row, roles, own=before.messages[0].role == "system")
    if not messages:
        raise CannotCarry("A system prompt alone is no conversation.", "Delete the row instead.")
    after = Conversation(tuple(messages))
    return values if after == before else {**values, column: render_text(after, template)}


def _into_pair(messages: list[Message], row: Row[str, Any], roles: dict[str, str], answer: str) -> dict[str, Any]:
    """A column for the question and one for the answer, with others for what comes before."""
    question_column, answer_column = roles["user"], roles[answer]
    asked = row.get(question_column)
    told = decoded_list(row.get(answer_column)) if answer == "chosen" else row.get(answer_column)
    listed = asked if isinstance(asked, list) and is_messages(asked) else []
    own = _role_of(listed[0] if listed else None) == "system"
    messages, values = _take_system(messages, row, roles, own, only_column=not listed)
    if listed or is_messages(told):
        users = [number for number, message in enumerate(messages) if message.role == "user"]
        cut = len(messages) - 1 if not is_messages(told) else users[-1] + 1 if listed and users else 1
        before, after = messages[:cut], messages[cut:]
    else:
        before, after = _questions_and_answer(messages)
        *earlier, _ = before
        if earlier != _history_of(row, roles):
            turns = zip(earlier[::2], earlier[1::2], strict=True)
            values[_column(roles, "history")] = [[one.content, other.content] for one, other in turns]
        before = before[-1:]
    if not before or not after:
        raise CannotCarry("The columns hold a question and an answer.", "Write both.")
    if not listed and (before[0].context or ("context" in roles and row.get(roles["context"]))):
        values[_column(roles, "context")] = before[0].context
    values[question_column] = _side(before, asked)
    values[answer_column] = _side(after, row.get(answer_column), told)
    return values


def _questions_and_answer(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """Raises:
    CannotCarry: not the user's and the assistant's messages in turn.
    """
    if not messages or [message.role for message in messages] != ["user", "assistant"] * (len(messages) // 2):
        raise CannotCarry(
            "Columns of question and answer hold a user's and the assistant's messages in turn, ending with an answer.",
            "Change the roles, or merge neighbouring messages of one role.",
        )
    if any(message.context for message in messages[:-2]):
        raise CannotCarry("Only the last question can have an input of its own here.", "Move it into the question.")
    return messages[:-1], messages[-1:]


# Parts of a row --------------------------------------------------------------------------------------------------


def _take_system(
    messages: list[Message], row: Row[str, Any], roles: dict[str, str], own: bool, only_column: bool = False
) -> tuple[list[Message], dict[str, Any]]:
    """The system prompt goes to its column where one is there; returns the other messages, and the column's value.

    `own`: the messages of the row begin with a system prompt themselves, which is read instead of the column's.
    `only_column`: the prompt has no place but the column.
    """
    has_system = messages[0].role == "system"
    filled = "system" in roles and row.get(roles["system"])
    if has_system and not own and (filled or only_column):
        return messages[1:], {_column(roles, "system"): messages[0].content}
    return messages, {roles["system"]: ""} if filled and not has_system else {}


def _history_of(row: Row[str, Any], roles: dict[str, str]) -> list[Message]:
    """Earlier turns as the row has them."""
    if "history" not in roles:
        return []
    bare = Mapping({"history": roles["history"], "user": "", "assistant": ""})
    try:
        *earlier, _, _ = read_conversation({**row, "": ""}, bare).messages
    except BadInput as error:
        raise CannotCarry(f"The earlier turns cannot be read: {error.message}.", error.hint) from error
    return earlier


def _column(roles: dict[str, str], role: str) -> str:
    if role not in roles:
        raise CannotCarry(f"This dataset has no column for the {role}.", "Leave it out.")
    return roles[role]


def _side(messages: list[Message], value: Any, items: Any = None) -> Any:
    """Messages in the form that one side of a pair has: a list, or plain text, for one message only."""
    if is_messages(items or value):
        return _in_form_of(value, messages)
    if len(messages) != 1:
        raise CannotCarry("A column of plain text holds one message.", "Merge the messages.")
    try:
        return value if text_of(value, "") == messages[0].content else messages[0].content
    except BadInput:
        return messages[0].content


def _in_form_of(value: Any, messages: Sequence[Message]) -> Any:
    """Messages as a list like `value`, or as JSON text of one where that is text."""
    items = _spelled(messages, decoded_list(value))
    return json.dumps(items, ensure_ascii=False) if isinstance(value, str) else items


def _has_question(value: Any) -> bool:
    """Whether a preferred answer is a list of messages that has the question in it."""
    items = decoded_list(value)
    return is_messages(items) and any(_role_of(item) == "user" for item in items)


# Items of a list -------------------------------------------------------------------------------------------------


def _spelled(messages: Sequence[Message], items: list[Any]) -> list[Any]:
    """Messages with the keys and the names of roles that the list has; the item of one that did not change is kept.

    An item whose text or role changed keeps its other keys.
    """
    before = [_read(item) for item in items]
    found: list[Any] = [None] * len(messages)
    for kind, low, high, new_low, new_high in SequenceMatcher(None, before, messages, autojunk=False).get_opcodes():
        for old, new in zip(range(low, high), range(new_low, new_high), strict=False):
            found[new] = items[old] if kind == "equal" else _changed(items[old], messages[new], items)
    return [item if item is not None else _made(messages[number], items) for number, item in enumerate(found)]


def _read(item: Any) -> Message | None:
    try:
        return read_messages([item], "")[0]
    except BadInput:
        return None


def _changed(item: Any, message: Message, items: list[Any]) -> dict[str, Any]:
    """An item with another message in it."""
    if _role_of(item) != message.role:
        return _made(message, items)
    text_key = _key(item, TEXT_KEYS) or _key(items[0], TEXT_KEYS) or TEXT_KEYS[0]
    item = {**item, text_key: message.content}
    if message.role == "user" and isinstance(item.get("context"), str):
        del item["context"]
    return {**item, "context": message.context} if message.context else item


def _made(message: Message, items: list[Any]) -> dict[str, Any]:
    """A new item, like those that are there."""
    role_key = _key(items[0], ROLE_KEYS)
    text_key = _key(items[0], TEXT_KEYS) or TEXT_KEYS[0]
    names = Counter(str(item[role_key]) for item in items if isinstance(item, dict) and item.get(role_key) is not None)
    own = [name for name, _ in names.most_common() if SPELLINGS.get(name.strip().lower()) == message.role]
    guessed = [_OTHER_SIDE[name][message.role] for name in names if message.role in _OTHER_SIDE.get(name, {})]
    item = {role_key: (own or guessed or [message.role])[0], text_key: message.content}
    return {**item, "context": message.context} if message.context else item


def _key(item: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((name for name in names if item.get(name) is not None), "")


def _role_of(item: Any) -> str | None:
    spelled = item.get(_key(item, ROLE_KEYS)) if isinstance(item, dict) else None
    return SPELLINGS.get(spelled.strip().lower()) if isinstance(spelled, str) else None
