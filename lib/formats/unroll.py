"""Unrolling: one conversation of several turns becomes one question and answer each, for templates that carry no more.

A row becomes as many rows as it has answers. Each keeps its own question and the system prompt only: what was said
before is not carried, so a question such as "And the second one?" loses what it is about. Callers count the rows.
"""

from __future__ import annotations

from dataclasses import replace

from lib.formats.checks import check_order
from lib.records import Conversation, Message


def unroll(conversation: Conversation, joint: str = "\n\n") -> list[Conversation]:
    """One conversation of question and answer for each answer, in order; earlier turns are not carried.

    A system prompt is put in front of every question, with `joint` between: a blank line, or the template's own. A last
    question without an answer becomes a conversation of its own, as open as it was. One question (and answer) without
    a system prompt comes back as the same object.

    Raises:
        CannotCarry: not an optional system message, then user and assistant in turn.
    """
    messages = conversation.messages
    check_order([message.role for message in messages], "unroll")
    system = messages[0].content if messages[0].role == "system" else None
    turns = messages if system is None else messages[1:]
    if system is None and len(turns) <= 2:
        return [conversation]
    pairs = [turns[start : start + 2] for start in range(0, len(turns), 2)]
    return [Conversation((_asked(user, system, joint), *answer), conversation.extra) for user, *answer in pairs]


def _asked(user: Message, system: str | None, joint: str) -> Message:
    """The question, the system prompt in front of it."""
    return replace(user, content=f"{system}{joint}{user.content}") if system and system.strip() else user
