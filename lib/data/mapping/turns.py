"""Turns of a conversation cut in two, put together, taken out or put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lib.errors import BadInput
from lib.records import Message, Role

OTHER: dict[str, Role] = {"user": "assistant", "assistant": "user", "system": "user", "tool": "assistant"}


def split_turn(messages: Sequence[Message], number: int, line: int) -> list[Message]:
    """Cut message `number` (from 0) before its line `line` (from 1 on); the second part is the other side's.

    Raises:
        BadInput: no such message, or nothing would stand on one side of the cut.
    """
    message = _at(messages, number)
    lines = message.content.split("\n")
    first, second = "\n".join(lines[:line]).rstrip(), "\n".join(lines[line:]).lstrip()
    if not first.strip() or not second.strip():
        raise BadInput("The turn cannot be cut there: one side would be empty.", "Choose another line.")
    parts = [replace(message, content=first), Message(OTHER[message.role], second)]
    return [*messages[:number], *parts, *messages[number + 1 :]]


def merge_turns(messages: Sequence[Message], number: int) -> list[Message]:
    """Put message `number` (from 0) and the one after it together, under the role of the first.

    Raises:
        BadInput: no such message, or none after it.
    """
    first, second = _at(messages, number), _at(messages, number + 1)
    content = "\n\n".join(text for text in (first.content, second.context, second.content) if text)
    return [*messages[:number], replace(first, content=content), *messages[number + 2 :]]


def drop_turn(messages: Sequence[Message], number: int) -> list[Message]:
    """Take message `number` (from 0) out.

    Raises:
        BadInput: no such message, or it is the only one.
    """
    _at(messages, number)
    if len(messages) == 1:
        raise BadInput("The only turn cannot be taken out.", "Delete the row instead.")
    return [*messages[:number], *messages[number + 1 :]]


def add_turn(messages: Sequence[Message]) -> list[Message]:
    """Put an empty message of the side whose turn it is at the end."""
    return [*messages, Message(OTHER[messages[-1].role], "")]


def _at(messages: Sequence[Message], number: int) -> Message:
    if not 0 <= number < len(messages):
        raise BadInput(f"There is no turn {number + 1}.", f"The conversation has {len(messages)}.")
    return messages[number]
