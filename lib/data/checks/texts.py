"""Checks of one text or one row by its form. Each returns the detail of a finding, or None."""

from __future__ import annotations

import itertools
import re

from lib.data.checks.report import quote
from lib.formats.segments import LITERAL, find_any
from lib.formats.templates import TEMPLATES, get_template
from lib.records import Conversation

PLACEHOLDERS = frozenset(
    {
        "<noinput>",
        "noinput",
        "<no input>",
        "no input",
        "n/a",
        "<no output>",
        "no output",
        "<nooutput>",
        "[no input]",
    }
)
HTML = re.compile(
    r"</?(?:a|b|i|u|p|br|hr|div|span|ul|ol|li|table|thead|tbody|tr|td|th|h[1-6]|img|script|style|strong|em|font|iframe"
    r"|body|html|head|meta|link|form|input|button|center|sup|sub|pre|section|svg)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
ENTITY = re.compile(
    r"&(?:nbsp|amp|quot|apos|lt|gt|[lr][sd]quo|[mn]dash|hellip"
    r"|#\d{2,6}|#x[0-9a-f]{2,5});",
    re.IGNORECASE,
)
TABLE = re.compile(r"^\|(?:[ \t]*\|){2,}[ \t]*$|^\|?:?-{3,}:?[ \t]+[^\W\d_]", re.MULTILINE)
LINK = re.compile(r"\]\(\s*javascript:", re.IGNORECASE)
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_ABOUT_MARKUP = re.compile(r"\b(?:html|css|xml|svg|javascript|web ?page|website|markup|tags?)\b", re.IGNORECASE)
_ITEM = re.compile(
    r"\n#{2,3}[ \t]*\n|\n[ \t]*(?:\d+\.[ \t]*)?(?:#+[ \t]*)?Instruction:"
    r"|\n#{2,}[ \t]*(?:Instruction|Response|Input|Question)\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"\n[ \t]*(?:Q|Question|Customer|User|Human)\s?:[^\n]+\n+[ \t]*(?:A|Answer|Agent|Assistant|Bot|AI)\s?:",
    re.IGNORECASE,
)
_PAIR_START = re.compile(
    r"\s*(?:\W*\d*\W*)(?:Q|Question|Customer|User|Human"
    r"|A|Answer|Agent|Assistant)\s?\d*:",
    re.IGNORECASE,
)
_ASKS_FOR_PAIRS = re.compile(r"\b(?:dialog|conversation|script|interview|quiz|questions|faq|chat)", re.IGNORECASE)
_ALL_TAGS = LITERAL.known.union(*(template.tags for template in TEMPLATES.values()))


def empty(conversation: Conversation) -> str | None:
    for message in conversation.messages:
        if not message.content.strip() and not message.context.strip():
            return f"the {message.role} message has no text"
    return None


def placeholder(conversation: Conversation) -> str | None:
    for message in conversation.messages:
        for text in (message.context, message.content):
            if is_placeholder(text):
                return quote(text)
    return None


def is_placeholder(text: str) -> bool:
    return 0 < len(text) < 20 and text.strip().rstrip(".").lower() in PLACEHOLDERS


def markup(text: str, about: str) -> str | None:
    """`about`: the question; text that was asked to hold markup may."""
    if not ("<" in text or "&" in text or "|" in text or "](" in text):
        return None
    bare = CODE.sub(" ", text) if "`" in text else text
    found = HTML.search(bare) or ENTITY.search(bare) or TABLE.search(bare) or LINK.search(bare)
    if not found or (about and _ABOUT_MARKUP.search(about)):
        return None
    return quote(bare, found.start())


def mojibake(text: str) -> str | None:
    if text.isascii():
        return None
    from ftfy import fix_encoding
    from ftfy.badness import BADNESS_RE

    found = BADNESS_RE.search(text)
    return quote(text, max(0, found.start() - 10), found.end() + 30) if found and fix_encoding(text) != text else None


def merged(answer: str, question: str) -> str | None:
    start = second_item(answer, question)
    return None if start is None else quote(answer, start)


def second_item(answer: str, question: str) -> int | None:
    """Where a second item begins that was pasted into an answer."""
    if "\n" not in answer:
        return None
    found = _ITEM.search(answer)
    if not found and ":" in answer and not _PAIR_START.match(answer) and not _ASKS_FOR_PAIRS.search(question):
        found = _PAIR.search(answer)
    return found.start() if found else None


def template_tags(text: str, tags: frozenset[str]) -> str | None:
    if not ("<" in text or "[" in text or "###" in text):
        return None
    tag = find_any(text, tags)
    return f"holds {tag}" if tag else None


def tags_of(template: str | None, special: frozenset[str] = frozenset()) -> frozenset[str]:
    """Literals that count as tags: of one template, or of all when None."""
    if template is None:
        return _ALL_TAGS | special
    chosen = get_template(template)
    return chosen.tags | chosen.literal.known | special


def role_order(conversation: Conversation) -> str | None:
    roles = [message.role for message in conversation.messages]
    turns = roles[1:] if roles[0] == "system" else roles
    if "system" in turns:
        return "a system message is not first"
    if not turns or turns[0] != "user":
        return f"the conversation starts with {turns[0] if turns else 'nothing but a system message'}"
    for before, after in itertools.pairwise(turns):
        if before == after and after != "tool":
            return f"two {after} messages follow each other"
    return None if turns[-1] == "assistant" else f"ends with {turns[-1]}, not with an answer"
