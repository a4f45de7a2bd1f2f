"""Alpaca's input in templates that have no place for it: part of the user's text, and out of it again."""

from __future__ import annotations

from lib.errors import CannotCarry
from lib.records import Conversation, Message

SEPARATOR = "\n\n### Input:\n"


def join(content: str, context: str) -> str:
    """`content`, followed by the context under its own heading when there is one."""
    return content + SEPARATOR + context if context else content


def split(text: str) -> tuple[str, str]:
    """Take a user's text apart into content and context: the inverse of `join`."""
    content, separator, context = text.partition(SEPARATOR)
    return (content, context) if separator and context else (text, "")


def user_message(text: str) -> Message:
    """The user message that was written as `text`."""
    return Message("user", *split(text))


def check_split(template: str, number: int, written: str, content: str, context: str) -> None:
    """Refuse a user text that would be taken apart differently when it is read.

    Raises:
        CannotCarry: `split(written)` is not `(content, context)`.
    """
    if split(written) == (content, context):
        return
    raise CannotCarry(
        f"{template} cannot carry message {number} (user): its text and its input cannot be told apart again, "
        "because of '### Input:' in it or an empty request.",
        "Reword the message, or choose the alpaca template.",
    )


def user_text(template: str, number: int, head: str, message: Message) -> str:
    """`head` and a user's text, with its context joined on, stripped as one: what forms that strip texts write.

    Raises:
        CannotCarry: see `check_split`.
    """
    content, inputs = message.content, message.context.rstrip()
    text = (head + join(content, inputs)).strip()
    content = content if head else content.lstrip()
    check_split(template, number, text[len(head) :], content if inputs else content.rstrip(), inputs)
    return text


def written(conversation: Conversation, template: str) -> list[str]:
    """Each message's text with its context joined on, in order, after the check that it can be read back.

    Raises:
        CannotCarry: see `check_split`.
    """
    texts = []
    for number, message in enumerate(conversation.messages, start=1):
        text = join(message.content, message.context)
        if message.role == "user":
            check_split(template, number, text, message.content, message.context)
        texts.append(text)
    return texts
