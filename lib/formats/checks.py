"""Refusals by name: conversations that a template has no place for, texts with marks where none belong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lib.errors import BadInput, CannotCarry
from lib.formats.segments import LITERAL, Specials, find_any
from lib.formats.template import Template
from lib.records import Conversation, Message

OTHER = "Change the row, leave it out, or choose another template."
UNROLL = "Choose another template; an export can make a row of each answer (--unroll)."


def check(conversation: Conversation, template: Template, *, generation: bool, forbidden: frozenset[str]) -> None:
    """Refuse what `template` cannot carry.

    `forbidden`: literals that no message may hold. `generation`: the conversation may end with the user.

    Raises:
        CannotCarry: says template, message and reason.
    """
    _check_turns(conversation, template, generation)
    for number, message in enumerate(conversation.messages, start=1):
        if not (_is_text(message.content) and _is_text(message.context)):
            raise _cannot(template.name, number, message.role, "it holds half of a character (a lone surrogate)")
        tag = find_any(message.content, forbidden) or find_any(message.context, forbidden)
        if tag:
            raise holds_mark(template.name, number, message.role, tag)


def holds_mark(name: str, number: int, role: str, mark: str) -> CannotCarry:
    """The refusal of a message that holds a mark of the format."""
    return CannotCarry(
        f"{name} cannot carry message {number} ({role}): it holds {mark}, which is a mark of the format itself.",
        f"Escape marks (--escape), take {mark} out of the text, or choose another template.",
    )


def refuse_marks(messages: Iterable[Message], tags: frozenset[str], specials: Specials, hint: str) -> None:
    """Refuse what was read when marks of the form, its begin or its end token stand inside a message.

    Raises:
        BadInput: says which, and in whose text.
    """
    marks = tags | ({specials.bos, specials.eos} - {""}) | (LITERAL.known & specials.known)
    for message in messages:
        if mark := find_any(message.content, marks) or find_any(message.context, marks):
            raise BadInput(f"{mark} stands inside the {message.role} text.", hint)


def check_order(roles: Sequence[str], name: str) -> None:
    """Refuse roles other than an optional system message, then user and assistant in turn.

    Raises:
        CannotCarry: says that `name` cannot carry them, and at which message it begins.
    """
    shift = 2 if roles[0] == "system" else 1
    turns = roles[shift - 1 :]
    if not turns:
        raise _cannot(name, 1, "system", "there is nothing but a system message")
    for number, role in enumerate(turns):
        if role == "tool":
            raise _cannot(name, number + shift, role, "there is no place for tool messages")
        if role == "system":
            raise _cannot(name, number + shift, role, "a system message may only come first, and once")
        if role != ("user", "assistant")[number % 2]:
            reason = "the assistant speaks first" if number == 0 else f"two {role} messages follow each other"
            raise _cannot(name, number + shift, role, reason)


def _check_turns(conversation: Conversation, template: Template, generation: bool) -> None:
    roles = [message.role for message in conversation.messages]
    check_order(roles, template.name)
    shift = 2 if roles[0] == "system" else 1
    turns = roles[shift - 1 :]
    if turns[-1] == "user" and not generation:
        raise _cannot(template.name, len(roles), "user", "the conversation ends without an answer to train on")
    if template.one_pair and shift > 1:
        raise _cannot(template.name, 1, "system", "there is no place for a system message", UNROLL)
    if template.one_pair and len(turns) > 2:
        raise _cannot(template.name, 3, turns[2], "there is place for one question and one answer only", UNROLL)


def _is_text(text: str) -> bool:
    """Whether the text can be written as UTF-8, which files and tokenizers ask for."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cannot(name: str, number: int, role: str, reason: str, hint: str = OTHER) -> CannotCarry:
    return CannotCarry(f"{name} cannot carry message {number} ({role}): {reason}.", hint)
