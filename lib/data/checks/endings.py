"""Answers that stop in the middle of a sentence, judged by how the answers of the dataset end.

Where many answers end without a full stop, as lists and definitions do, such an ending says nothing; then only a last
word that cannot end a sentence counts. The same holds for an ending that several answers share, as a signature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lib.data.checks import answers
from lib.data.checks.report import Finding
from lib.records import Conversation

USUAL_FROM = 0.1  # share of answers with an open ending from which on that is the dataset's style
FEW = 20  # fewer answers have no style
SHARED = 3  # rows from which on an equal ending is a signature
ENDING_WORDS = 3


@dataclass
class Judged:
    """Answers judged, how many of them end open, and the rows that may be cut off: (row, detail, ending, sure)."""

    answers: int = 0
    open: int = 0
    doubtful: list[tuple[int, str, str, bool]] = field(default_factory=list)

    def extend(self, other: Judged) -> None:
        self.answers += other.answers
        self.open += other.open
        self.doubtful += other.doubtful

    def add(self, row_id: int, conversation: Conversation) -> None:
        found: list[tuple[int, str, str, bool]] = []
        for message in conversation.messages:
            ends_open = answers.ends_open(message.content) if message.role == "assistant" else None
            self.answers += ends_open is not None
            self.open += bool(ends_open)
            if ends_open and (detail := answers.cut_off(message.content)):
                ending = " ".join(message.content.lower().rsplit(None, ENDING_WORDS)[-ENDING_WORDS:])
                found.append((row_id, detail, ending, answers.dangling(message.content)))
        self.doubtful += sorted(found, key=lambda doubt: not doubt[3])[:1]

    def findings(self) -> Iterator[Finding]:
        usual = self.answers >= FEW and self.open >= USUAL_FROM * self.answers
        endings = Counter(ending for _, _, ending, _ in self.doubtful)
        for row_id, detail, ending, sure in self.doubtful:
            if sure or not (usual or endings[ending] >= SHARED):
                yield Finding(row_id, "cut_off", detail)
