"""Rows that are too long: for a model's limit, or beside all others."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from lib.data.checks.report import Finding, Settings
from lib.errors import CannotCarry
from lib.formats.segments import Segment
from lib.formats.tokenizer import ModelTokenizer
from lib.records import Conversation

OUTLIER_WORDS = 400
OUTLIER_TIMES = 10  # times the median number of words


@dataclass(frozen=True)
class Judged:
    """Words of each row's answer, twelve bytes a row, or with a tokenizer the findings themselves."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    words: array[int] = field(default_factory=lambda: array("I"))
    found: list[Finding] = field(default_factory=list)

    def extend(self, other: Judged) -> None:
        self.rows.extend(other.rows)
        self.words.extend(other.words)
        self.found.extend(other.found)

    def add(self, row_id: int, conversation: Conversation, settings: Settings) -> None:
        limit, tokenizer = settings.max_tokens, settings.tokenizer
        if tokenizer is None or limit is None:
            self.rows.append(row_id)
            self.words.append(conversation.answer().count(" ") + 1)
        elif _may_exceed(conversation, limit):
            tokens = _tokens(conversation, tokenizer, settings.template)
            if tokens > limit:
                self.found.append(Finding(row_id, "long", f"{tokens} tokens, the limit is {limit}"))

    def findings(self) -> Iterator[Finding]:
        yield from self.found
        if not self.words:
            return
        usual = median(self.words)
        for row_id, words in zip(self.rows, self.words, strict=True):
            if words > max(OUTLIER_WORDS, OUTLIER_TIMES * usual):
                yield Finding(
                    row_id, "long", f"an answer of about {words} words; half of all have {usual:.0f} or fewer"
                )


def _may_exceed(conversation: Conversation, limit: int) -> bool:
    """Whether the row could have too many tokens: no letter makes more than four, a template adds some more."""
    return sum(len(message.content) + len(message.context) for message in conversation.messages) * 4 + 256 >= limit


def _tokens(conversation: Conversation, tokenizer: ModelTokenizer, template: str | None) -> int:
    if template:
        try:
            return len(tokenizer.encode_conversation(conversation, template))
        except CannotCarry:
            pass  # other checks speak of it
    texts = [text for message in conversation.messages for text in (message.context, message.content) if text]
    return sum(len(tokens) for tokens in tokenizer.tokenize_batch([[Segment(text, False)] for text in texts]))
