"""Whitespace at the start or end of messages that a template strips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from lib.formats.render import REFUSALS
from lib.formats.segments import Segment
from lib.records import Conversation

Write = Callable[[Conversation], list[Segment]]


def eaten(conversation: Conversation, written: list[Segment], write: Write) -> Iterator[tuple[int, str, str]]:
    """Outer whitespace that `write` leaves out of `written`: number of the message from 0, its field, start or end."""
    for index, message in enumerate(conversation.messages):
        for field, text in (("content", message.content), ("context", message.context)):
            for side, stripped in (("start", text.lstrip()), ("end", text.rstrip())):
                if stripped != text and _same(changed(conversation, index, field, stripped), written, write):
                    yield index, field, side


def _same(conversation: Conversation, written: list[Segment], write: Write) -> bool:
    try:
        return write(conversation) == written
    except REFUSALS:
        return False


def changed(conversation: Conversation, index: int, field: str, text: str) -> Conversation:
    """The conversation with one message's content or context replaced."""
    messages = list(conversation.messages)
    messages[index] = replace(messages[index], **{field: text})  # type: ignore[arg-type]
    return Conversation(tuple(messages), conversation.extra)
