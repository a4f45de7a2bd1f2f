"""Rows that are too long: for a model's limit, or beside all others."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from statistics import median

from lib.data.checks.report import Finding, Settings
from lib.errors import CannotCarry
from lib.formats.segments import Segment
from lib.records import Conversation

OUTLIER_WORDS = 400
OUTLIER_TIMES = 10  # times the median number of words


class Lengths:
    """Holds four bytes a row until the median is known."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rows: array[int] = array("q")
        self._words: array[int] = array("L")
        self._tokens: list[Finding] = []

    def add(self, row_id: int, conversation: Conversation) -> None:
        limit = self._settings.max_tokens
        if self._settings.tokenizer is None or limit is None:
            self._rows.append(row_id)
            self._words.append(conversation.answer().count(" ") + 1)
            return
        if sum(len(message.content) + len(message.context) for message in conversation.messages) * 4 + 256 < limit:
            return
        tokens = self._count(conversation)
        if tokens > limit:
            self._tokens.append(Finding(row_id, "long", f"{tokens} tokens, the limit is {limit}"))

    def _count(self, conversation: Conversation) -> int:
        tokenizer = self._settings.tokenizer
        assert tokenizer is not None
        if self._settings.template:
            try:
                return len(tokenizer.encode_conversation(conversation, self._settings.template))
            except CannotCarry:
                pass  # other checks speak of it
        texts = [text for message in conversation.messages for text in (message.context, message.content) if text]
        return sum(len(tokens) for tokens in tokenizer.tokenize_batch([[Segment(text, False)] for text in texts]))

    def findings(self) -> Iterator[Finding]:
        yield from self._tokens
        if not self._words:
            return
        usual = median(self._words)
        for row_id, words in zip(self._rows, self._words, strict=True):
            if words > max(OUTLIER_WORDS, OUTLIER_TIMES * usual):
                yield Finding(
                    row_id, "long", f"an answer of about {words} words; half of all have {usual:.0f} or fewer"
                )
