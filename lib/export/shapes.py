"""A conversation as the values of a row, for each choice of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from lib.errors import CannotCarry
from lib.export.options import ExportOptions
from lib.formats import context as contexts
from lib.formats.jinja import TemplateError
from lib.formats.unroll import unroll
from lib.records import Conversation, Message

Row = tuple[Any, ...]
"""Values in the order of the shape's columns."""
Made = list[Row] | CannotCarry | TemplateError | str
"""Rows of one conversation; why it cannot be carried, or what fails in the template on it; or in words why it is left
out by choice."""
MakeRows = Callable[[Sequence[Conversation]], list[Made]]

SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
_TEXT = pa.string()


def _messages_of(*names: str) -> pa.DataType:
    return pa.list_(pa.struct([(name, _TEXT) for name in names]))


SCHEMAS: dict[str, pa.Schema] = {
    "text": pa.schema([("text", _TEXT)]),
    "messages": pa.schema([("messages", _messages_of("role", "content"))]),
    "prompt-completion": pa.schema([("prompt", _TEXT), ("completion", _TEXT)]),
    "alpaca": pa.schema([("instruction", _TEXT), ("input", _TEXT), ("output", _TEXT)]),
    "sharegpt": pa.schema([("conversations", _messages_of("from", "value"))]),
    "ids": pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int32()))]),
}


def parts_of(conversation: Conversation, options: ExportOptions) -> list[Conversation]:
    """The conversations to write for one, more than one when it is unrolled.

    Raises:
        CannotCarry: it cannot be unrolled.
    """
    return unroll(conversation) if options.unroll else [conversation]


def messages(conversation: Conversation) -> Row:
    """Role and content; a context follows its question as in rendered text."""
    _check_characters("messages", conversation)
    return ([{"role": message.role, "content": _joined(message)} for message in conversation.messages],)


def sharegpt(conversation: Conversation) -> Row:
    """The same in ShareGPT's spelling."""
    _check_characters("sharegpt", conversation)
    return ([{"from": SHAREGPT[message.role], "value": _joined(message)} for message in conversation.messages],)


def alpaca(conversation: Conversation) -> Row:
    """Instruction, input and output as they came.

    Raises:
        CannotCarry: not one question and its answer.
    """
    user, answer = _pair("alpaca", conversation)
    return user.content, user.context, answer.content


def question_and_answer(conversation: Conversation) -> Row:
    """Prompt and completion as they came; raises what `alpaca` raises."""
    user, answer = _pair("prompt-completion", conversation)
    return _joined(user), answer.content


def _joined(message: Message) -> str:
    return contexts.join(message.content, message.context)


def _pair(shape: str, conversation: Conversation) -> tuple[Message, Message]:
    _check_characters(shape, conversation)
    given = conversation.messages
    roles = [message.role for message in given]
    if roles == ["user", "assistant"]:
        return given[0], given[1]
    number, reason = _fault(roles)
    raise CannotCarry(
        f"{shape} cannot carry message {number} ({roles[number - 1]}): {reason}.",
        "Unroll the rows into one for each answer, leave the row out, or choose other columns.",
    )


def _fault(roles: Sequence[str]) -> tuple[int, str]:
    """Which message (from 1) is in the way of one question and its answer, and why."""
    for number, role in enumerate(roles, start=1):
        if role in ("system", "tool"):
            return number, f"there is no place for {role} messages"
    if roles == ["user"]:
        return 1, "the conversation ends without an answer"
    wrong = next(
        (n for n, (role, wanted) in enumerate(zip(roles, ("user", "assistant"), strict=False), 1) if role != wanted), 3
    )
    return wrong, "there is place for one question and its answer only"


def _check_characters(shape: str, conversation: Conversation) -> None:
    for number, message in enumerate(conversation.messages, start=1):
        try:
            (message.content + message.context).encode()
        except UnicodeEncodeError as error:
            raise CannotCarry(
                f"{shape} cannot carry message {number} ({message.role}): it holds half of a character (a lone "
                "surrogate).",
                "Mend the row or leave it out.",
            ) from error
