"""Layout: what a template writes round the texts, and how text in it is read back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lib.errors import BadInput
from lib.formats import context
from lib.formats.segments import find_any
from lib.records import Conversation, Message, replace_text

MARK = re.compile(r"<[^<>\s]{1,40}>|\[[^\[\]\s]{1,40}\]|<<[^<>\s]{1,40}>>")
"""What looks like a token or a tag."""

_HINT = "Read it with the template that wrote it."


@dataclass(frozen=True)
class Layout:
    """What a template writes before, between and behind the texts.

    `first_answer`, `next_answer`: between question and answer, of the first and of later turns; `first_open`,
    `next_open`: behind the question of a prompt. `next_user`: between an answer and the next question; None when
    there is place for one pair only. `before_system` is None when no system text can be told from the rest.
    """

    start: str
    first_answer: str
    end: str
    next_user: str | None = None
    next_answer: str = ""
    before_system: str | None = None
    after_system: str = ""
    first_open: str = ""
    next_open: str = ""
    default_system: str = ""
    """What the template puts before the question by itself when there is no system message."""

    def parse(self, text: str) -> Conversation:
        """The conversation that was written as `text`.

        Raises:
            BadInput: the text is not in this layout; says what is wrong.
        """
        position, messages = self._read_start(text)
        while True:
            position, turn, ended = self._read_turn(text, position, first=not any(m.role == "user" for m in messages))
            messages += turn
            if ended:
                break
        for message in messages:
            if mark := find_any(message.content, self.marks) or find_any(message.context, self.marks):
                raise BadInput(f"{mark} stands inside the {message.role} text.", _HINT)
        return Conversation(tuple(messages))

    def write(self, messages: Sequence[Message]) -> str:
        """The messages in this layout, without the template: texts are written as they are."""
        out, turns = [self.start], list(messages)
        if turns[0].role == "system":
            out = [self.before_system or "", turns.pop(0).content, self.after_system]
        for number, message in enumerate(turns):
            later = number > 1
            if message.role == "user":
                out += [(self.next_user or "") if number else "", context.join(message.content, message.context)]
            else:
                out += [self.next_answer if later else self.first_answer, message.content]
        last_open = self.next_open if len(turns) > 2 else self.first_open
        return "".join([*out, self.end if turns[-1].role == "assistant" else last_open])

    def brings_back(self, conversation: Conversation, text: str) -> bool:
        """Whether `text` reads as the conversation; whitespace round texts and the template's own system text aside."""
        messages = conversation.messages
        try:
            found = self.parse(text).messages
        except BadInput:
            return False
        if messages[0].role == "system" and messages[0].content == self.default_system and found[0].role == "user":
            messages = messages[1:]
        if len(found) == len(messages) - 1 and not messages[-1].content.strip() and not self.end.strip():
            messages = messages[:-1]  # no mark behind an empty answer: it cannot be told from none
        return [*map(_bare, found)] == [*map(_bare, messages)]

    def may_change(self, conversation: Conversation) -> bool:
        """Whether texts of the conversation can be taken for marks, or whitespace that is stripped takes marks along.

        Where they cannot, a text that reads otherwise was written otherwise: by a template that looks into texts.
        """
        if any(not message.content.strip() or message.context.isspace() for message in conversation.messages):
            return True
        told = self.before_system is not None
        messages = [message for message in conversation.messages if message.role != "system" or told]
        if self.next_user is None and len(messages) - (messages[0].role == "system") > 2:
            return False  # how later turns are written is not known
        shown = Conversation(tuple(messages))
        both = (shown, replace_text(shown, str.strip))
        return not all(self.brings_back(one, self.write(one.messages)) for one in both)

    @cached_property
    def marks(self) -> frozenset[str]:
        """What people would call the format's own marks: such as `[INST]`, `<|im_end|>`, `### Response:`."""
        ends = [constant.splitlines()[-1:] for constant in (self.start, self.before_system or "")]
        inner = (self.first_answer, self.next_answer, self.next_user or "", self.end, self.after_system)
        lines = {line.strip() for group in (*ends, *map(str.splitlines, inner)) for line in group}
        atoms = {mark for line in lines for mark in MARK.findall(line)}
        rests = {MARK.sub(" ", line).strip() for line in lines}
        headings = {rest for rest in rests if len(rest) > 3 and not rest[0].isalnum()}
        return frozenset(atoms | headings)

    def _read_start(self, text: str) -> tuple[int, list[Message]]:
        """Where the first question begins, and the system message when there is one."""
        opening = self.before_system
        plain = text.startswith(self.start)
        if opening is not None and text.startswith(opening) and not (plain and len(self.start) > len(opening)):
            begin = len(opening)
            end = text.find(self.after_system, begin)
            answer = text.find(self.first_answer, begin)
            if end >= 0 and not (plain and opening == self.start and 0 <= answer <= end):
                return end + len(self.after_system), [Message("system", text[begin:end])]
        if not plain:
            raise BadInput(f"The text does not start with {_shown(self.start)}.", _HINT)
        return len(self.start), []

    def _read_turn(self, text: str, position: int, first: bool) -> tuple[int, list[Message], bool]:
        """One question and its answer, from `position` on; whether the text is at its end."""
        between = self.first_answer if first else self.next_answer
        opened = self.first_open if first else self.next_open
        at = text.find(between, position)
        if at < 0 and opened.strip() and 0 <= (at := text.find(opened, position)) < len(text) - len(opened):
            between = opened  # the answer starts otherwise than the template would have it
        if at < 0 or text[at:] in (between, opened):
            rest = text[position:] if at < 0 else text[position:at]
            return len(text), [context.user_message(rest.removesuffix(opened) if opened else rest)], True
        user, begin = context.user_message(text[position:at]), at + len(between)
        following = text.find(self.next_user, begin) if self.next_user else -1
        if following >= 0 and text[following:] != self.end:
            answer = Message("assistant", text[begin:following])
            return following + len(self.next_user or ""), [user, answer], False
        answer_text, ended = self._without_end(text[begin:])
        return len(text), [user, Message("assistant", answer_text)] if ended or answer_text.strip() else [user], True

    def _without_end(self, text: str) -> tuple[str, bool]:
        """The last answer, and whether the layout's end stood behind it; whitespace there may be missing."""
        if text.endswith(self.end):
            return text.removesuffix(self.end), bool(self.end)
        bare = self.end.strip()
        if bare and text.rstrip().endswith(bare):
            return text.rstrip().removesuffix(bare), True
        return text, False


def _bare(message: Message) -> tuple[str, str, str]:
    return message.role, message.content.strip(), message.context.strip()


def _shown(constant: str) -> str:
    return repr(constant if len(constant) <= 60 else constant[:57] + "…")
