"""Lists of messages, in every spelling that files have, as `Message`s."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

from lib.data.sources.items import describe
from lib.errors import BadInput
from lib.records import Message, Role

ROLE_KEYS = ("role", "from", "speaker", "author")
TEXT_KEYS = ("content", "value", "text")
SPELLINGS: dict[str, Role] = {
    **{role: role for role in get_args(Role)},
    "human": "user",
    "prompter": "user",
    "instruction": "user",
    "question": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "claude": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "answer": "assistant",
    "function_call": "assistant",
    "function-call": "assistant",
    "tool_call": "assistant",
    "developer": "system",
    "observation": "tool",
    "function": "tool",
    "function_response": "tool",
    "function-response": "tool",
    "tool_response": "tool",
    "ipython": "tool",
}


def is_missing(value: Any) -> bool:
    """Null, or the NaN that tables write for it."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def text_of(value: Any, what: str) -> str:
    """Text as it is; numbers and booleans as JSON writes them.

    Raises:
        BadInput: missing, or a list or object.
    """
    if type(value) is str:
        return value
    if is_missing(value):
        raise BadInput(f"{what} is missing", "Fill it in or leave the row out.")
    if isinstance(value, (list, dict)):
        raise BadInput(f"{what} is {describe(value)}, text expected", "Give it as text.")
    return value if isinstance(value, str) else json.dumps(value)


def decoded_list(value: Any) -> Any:
    """The list that text holds as JSON, as CSV files have it; anything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def is_messages(value: Any) -> bool:
    """Whether a value is a list of messages by its looks (the first item has a role)."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and _key(value[0], ROLE_KEYS) != ""


def read_messages(value: Any, what: str) -> list[Message]:
    """Read a list of messages, or JSON text of one.

    Raises:
        BadInput: not a list, empty, an unknown role, a message without text; says which message.
    """
    items = decoded_list(value)
    if items is None:
        raise BadInput(f"{what} is missing", "Fill it in or leave the row out.")
    if not isinstance(items, list):
        raise BadInput(f"{what} is {describe(items)}, a list of messages expected", "Map the column of messages.")
    if not items:
        raise BadInput(f"{what} is empty", "Leave the row out.")
    return [_message(item, f"{what}: message {number}") for number, item in enumerate(items, start=1)]


def _key(item: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        if item.get(name) is not None:
            return name
    return ""


def _message(item: Any, what: str) -> Message:
    if not isinstance(item, dict):
        raise BadInput(f"{what} is {describe(item)}, an object expected", "Give role and content.")
    given = _key(item, ROLE_KEYS)
    if not given:
        raise BadInput(f"{what} has no role", "Give role and content.")
    spelled = item[given]
    role = SPELLINGS.get(spelled.strip().lower()) if isinstance(spelled, str) else None
    if role is None:
        raise BadInput(f"{what} has the unknown role {spelled!r}", f"Known: {', '.join(SPELLINGS)}.")
    context = item.get("context")
    return Message(role, _content(item, what), context if role == "user" and isinstance(context, str) else "")


def _content(item: dict[str, Any], what: str) -> str:
    content = item.get(_key(item, TEXT_KEYS))
    calls = item.get("tool_calls") or item.get("function_call")
    if calls and not content:
        return json.dumps(calls, ensure_ascii=False)
    if isinstance(content, list) and content and all(isinstance(part, dict) for part in content):
        return _parts(content, what)
    return text_of(content, f"{what} text")


def _parts(parts: list[dict[str, Any]], what: str) -> str:
    for part in parts:
        if part.get("type", "text") != "text" or not isinstance(part.get("text"), str):
            raise BadInput(f"{what} holds {part.get('type') or 'something'} that is not text", "Leave the row out.")
    return "".join(part["text"] for part in parts)
