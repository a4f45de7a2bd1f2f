r"""Marks of a format inside messages, on request written so that nothing takes them for marks, and read back.

A backslash goes in behind the first character: `[INST]` becomes `[\INST]`, `</s>` becomes `<\/s>`. Where a text already
has backslashes there, one more goes in, so that every text comes back as it was.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from lib.formats.template import Template
from lib.records import Conversation, replace_text

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer

INPUT_HEADING = "### Input:"
"""Tells Alpaca's input from the instruction in templates that have no place for it."""


def escapable(template: Template, tokenizer: ModelTokenizer | None = None) -> frozenset[str]:
    """All that must not stand in a message as it is: the format's tags, special tokens, the heading of an input."""
    special = tokenizer.specials.known if tokenizer else frozenset[str]()
    own = tokenizer.chat.marks if template.needs_tokenizer and tokenizer and tokenizer.chat else template.tags
    return own | template.literal.known | special | {INPUT_HEADING}


def escape_tags(conversation: Conversation, tags: frozenset[str]) -> Conversation:
    """The conversation with every tag in a text made harmless."""
    pattern = _pattern(tags, least=0)
    return replace_text(conversation, lambda text: pattern.sub(lambda match: f"{match[0][0]}\\{match[0][1:]}", text))


def unescape(conversation: Conversation, tags: frozenset[str]) -> Conversation:
    """The inverse of `escape_tags` with the same tags."""
    return replace_text(conversation, lambda text: unescape_text(text, tags))


def unescape_text(text: str, tags: frozenset[str]) -> str:
    """One text as it was before `escape_tags`, such as the answer of a model that has learned escaped marks."""
    return _pattern(tags, least=1).sub(lambda match: f"{match[0][0]}{match[0][2:]}", text)


@lru_cache(maxsize=64)
def _pattern(tags: frozenset[str], least: int) -> re.Pattern[str]:
    """Tags with at least so many backslashes behind their first character."""
    longest_first = sorted((tag for tag in tags if len(tag) > 1), key=lambda tag: (-len(tag), tag))
    return re.compile("|".join(rf"{re.escape(tag[0])}\\{{{least},}}{re.escape(tag[1:])}" for tag in longest_first))
