"""What can be done about a finding without asking anyone: a mended conversation, or that the row should go.

mend = propose("mojibake", conversation)
mend.label, mend.conversation

A mended conversation is not found by the same check again. None where only a person can decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from lib.data.checks import answers, private, texts
from lib.data.checks.judge import Judge
from lib.data.checks.plain import plain
from lib.data.checks.report import Settings
from lib.records import Conversation, Message
from lib.words import counted

PASSES = 5  # over one text: what is taken out can bring something together
MIN_WORDS = 6  # of an answer that is left after its opening phrase
DEFAULT = Settings()
_OPENING = re.compile(
    r"(?:I(?:'m| am) sorry, but )?as an? (?:AI|artificial intelligence|large language model|language model)"
    r"(?: (?:language )?(?:model|assistant))?, ",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"(?:I|we)(?:'m| am| are)? (?:do not|don't|cannot|can ?not|can't|could not|not|unable|have no)\b"
    r"|my (?:knowledge|training)",
    re.IGNORECASE,
)
_MANY_BREAKS = re.compile(r"\n{3,}")
_ROLE_HEADERS = re.compile(
    r"<\|im_start\|>(?:system|user|assistant|tool)?[ \t]*\n?"
    r"|<\|start_header_id\|>(?:system|user|assistant|tool|ipython)?<\|end_header_id\|>\n*"
)


@dataclass(frozen=True)
class Mend:
    """`label` says in words what will happen; either `delete`, or `conversation` is the row as it should be."""

    label: str
    delete: bool = False
    conversation: Conversation | None = None


def propose(check: str, conversation: Conversation, settings: Settings = DEFAULT) -> Mend | None:
    """What to do about a row that the check found; None: a person decides, or the check finds nothing there any more.

    Duplicates are the rows that the check names, which are the later ones; one row alone does not show it.

    Raises:
        NotFound: no check or template of that name.
    """
    look = _look(check, settings)
    if check in _COPIES:
        return Mend(_COPIES[check], delete=True)
    make = _MENDS.get(check)
    if make is None or not look(conversation):
        return None
    mend = make(conversation, settings)
    if mend is None or mend.conversation is None:
        return mend
    return None if look(mend.conversation) else mend


@lru_cache(maxsize=64)
def _look(check: str, settings: Settings) -> Callable[[Conversation], bool]:
    """Whether a check of rows alone finds something in one."""
    judge = Judge(replace(settings, checks=frozenset((check,))))
    return lambda conversation: next(judge.details(conversation), None) is not None


def _texts(conversation: Conversation, change: Callable[[str, str], str]) -> Conversation:
    """The conversation with every text changed; `change` is given the text, and the question where it is an answer."""
    changed: list[Message] = []
    about = ""
    for message in conversation.messages:
        about = message.content if message.role == "user" else about
        shown = about if message.role == "assistant" else ""
        content = change(message.content, shown)
        changed.append(Message(message.role, content, change(message.context, shown) if message.context else ""))
    return Conversation(tuple(changed), conversation.extra)


def _answers(conversation: Conversation, change: Callable[[str, str], str]) -> Conversation:
    """The conversation with every answer changed; `change` is given answer and question."""
    changed: list[Message] = []
    about = ""
    for message in conversation.messages:
        about = message.content if message.role == "user" else about
        told = message.role == "assistant"
        changed.append(replace(message, content=change(message.content, about)) if told else message)
    return Conversation(tuple(changed), conversation.extra)


def _empty(conversation: Conversation, settings: Settings) -> Mend:
    return Mend("Delete the row", delete=True)


def _placeholder(conversation: Conversation, settings: Settings) -> Mend:
    if any(texts.is_placeholder(message.content) for message in conversation.messages):
        return Mend("Delete the row", delete=True)
    messages = (
        replace(message, context="") if texts.is_placeholder(message.context) else message
        for message in conversation.messages
    )
    return Mend("Empty the input", conversation=Conversation(tuple(messages), conversation.extra))


def _mojibake(conversation: Conversation, settings: Settings) -> Mend:
    from ftfy import fix_encoding

    return Mend("Repair the broken letters", conversation=_texts(conversation, lambda text, _: fix_encoding(text)))


def _markup(conversation: Conversation, settings: Settings) -> Mend:
    def change(text: str, about: str) -> str:
        return plain(text) if texts.markup(text, about) else text

    return Mend("Reduce to plain text", conversation=_texts(conversation, change))


def _template_tags(conversation: Conversation, settings: Settings) -> Mend:
    special = settings.tokenizer.specials.known if settings.tokenizer else frozenset()
    tags = texts.tags_of(settings.template, special)
    longest_first = sorted(tags, key=lambda tag: (-len(tag), tag))
    pattern = re.compile("|".join([_ROLE_HEADERS.pattern, *map(re.escape, longest_first)]))
    removed = Counter[str]()

    def change(text: str, about: str) -> str:
        for _ in range(PASSES):
            if not texts.template_tags(text, tags):
                break
            removed.update(found.strip() for found in pattern.findall(text))
            text = _MANY_BREAKS.sub("\n\n", pattern.sub("", text)).strip()
        return text

    mended = _texts(conversation, change)
    return Mend(f"Take out {counted(removed.total(), 'tag')}", conversation=mended)


def _spots(find: Callable[[str], Iterator[private.Spot]]) -> Callable[[Conversation, Settings], Mend]:
    """A mend that puts a stand-in in place of everything that `find` finds."""

    def mend(conversation: Conversation, settings: Settings) -> Mend:
        replaced = Counter[str]()

        def change(text: str, about: str) -> str:
            for _ in range(PASSES):
                spots = sorted(find(text), key=lambda spot: (spot.start, -spot.end))
                if not spots:
                    break
                text = _replaced(text, spots, replaced)
            return text

        mended = _texts(conversation, change)
        parts = [
            f"{number} {_NAMES[kind][number > 1]} by {private.STAND_INS[kind]}" for kind, number in replaced.items()
        ]
        return Mend(f"Replace {', '.join(parts)}", conversation=mended)

    return mend


_NAMES = {
    "e-mail": ("e-mail address", "e-mail addresses"),
    "card number": ("card number", "card numbers"),
    "phone": ("phone number", "phone numbers"),
    "IP address": ("IP address", "IP addresses"),
    "address": ("street address", "street addresses"),
    "password": ("password", "passwords"),
    "secret": ("secret", "secrets"),
}


def _replaced(text: str, spots: list[private.Spot], counts: Counter[str]) -> str:
    """The text with stand-ins; of spots that overlap the first is taken."""
    pieces: list[str] = []
    end = 0
    for spot in spots:
        if spot.start >= end:
            pieces += [text[end : spot.start], private.STAND_INS[spot.kind]]
            end = spot.end
            counts[spot.kind] += 1
    return "".join([*pieces, text[end:]])


def _merged(conversation: Conversation, settings: Settings) -> Mend | None:
    def change(answer: str, question: str) -> str:
        start = texts.second_item(answer, question)
        return answer if start is None else answer[:start].rstrip()

    mended = _answers(conversation, change)
    if any(not message.content for message in mended.messages if message.role == "assistant"):
        return None
    return Mend("Cut the second item out", conversation=mended)


def _role_mixup(conversation: Conversation, settings: Settings) -> Mend | None:
    messages = list(conversation.messages)
    for number in range(1, len(messages)):
        asked, told = messages[number - 1], messages[number]
        if (asked.role, told.role) == ("user", "assistant") and answers.role_mixup(asked.content, told.content):
            messages[number - 1] = replace(asked, content=told.content)
            messages[number] = replace(told, content=asked.content)
    return Mend("Swap question and answer", conversation=Conversation(tuple(messages), conversation.extra))


def _role_order(conversation: Conversation, settings: Settings) -> Mend:
    merged: list[Message] = []
    for message in conversation.messages:
        if merged and merged[-1].role == message.role != "tool":
            context = "\n\n".join(filter(None, (merged[-1].context, message.context)))
            merged[-1] = Message(message.role, f"{merged[-1].content}\n\n{message.content}", context)
        else:
            merged.append(message)
    number = len(conversation.messages) - len(merged)
    label = f"Join {counted(number, 'message')} to the one before of the same role"
    return Mend(label, conversation=Conversation(tuple(merged), conversation.extra))


def _boilerplate(conversation: Conversation, settings: Settings) -> Mend:
    def change(answer: str, question: str) -> str:
        opening = _OPENING.match(answer.replace("’", "'")) if answers.boilerplate(answer) else None
        if opening is None:
            return answer
        return answer[opening.end() : opening.end() + 1].upper() + answer[opening.end() + 1 :]

    mended = _answers(conversation, change)
    for before, after in zip(conversation.messages, mended.messages, strict=True):
        if before != after and (_REFUSES.match(after.content) or len(after.content.split()) < MIN_WORDS):
            return Mend("Delete the row", delete=True)
    if _look("boilerplate", settings)(mended):
        return Mend("Delete the row", delete=True)
    return Mend("Take out the opening phrase", conversation=mended)


_COPIES = {
    "exact_duplicate": "Delete this row and keep the earlier one",
    "near_duplicate": "Delete this row and keep the earlier one",
}
_MENDS: dict[str, Callable[[Conversation, Settings], Mend | None]] = {
    "empty": _empty,
    "placeholder": _placeholder,
    "merged": _merged,
    "personal_data": _spots(private.personal_spots),
    "secret": _spots(private.secret_spots),
    "markup": _markup,
    "mojibake": _mojibake,
    "boilerplate": _boilerplate,
    "template_tags": _template_tags,
    "role_order": _role_order,
    "role_mixup": _role_mixup,
}

MENDABLE = frozenset((*_COPIES, *_MENDS))
"""Checks for whose findings there may be a mend."""
