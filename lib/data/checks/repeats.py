"""Rows that say the same, nearly the same, or answer one question in different ways."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from lib.data.checks.report import Finding
from lib.data.near import NearIndex
from lib.data.splits.hashed import question_key
from lib.data.word_sets import Sketches, similarity, word_set
from lib.records import Conversation, Message

CHECKS = frozenset(("exact_duplicate", "near_duplicate", "conflict"))
CONFLICT_BELOW = 0.5  # Jaccard similarity of two answers' words, from which on down they differ clearly
Row = tuple[int, Conversation]


def all_text(conversation: Conversation) -> str:
    """All that is said in a row."""
    return _text(conversation.messages)


def _text(messages: Iterable[Message]) -> str:
    return "\n".join(f"{message.context}\n{message.content}" for message in messages)


def row_key(conversation: Conversation) -> int:
    """A number below 2**64 that rows share when they say the same in the same roles."""
    roles = " ".join(message.role for message in conversation.messages)
    text = f"{roles}\n{all_text(conversation)}"
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest(), "big")


def prompt_key(conversation: Conversation) -> int:
    """A number that rows share when they ask the same; 0 when they ask nothing."""
    messages = conversation.messages
    prompt = _text(messages[:-1] if messages[-1].role == "assistant" else messages)
    return question_key(prompt) if prompt.strip() else 0


def answer_key(conversation: Conversation) -> int:
    """A number that rows share when they answer the same; 0 when they answer nothing."""
    answer = conversation.answer()
    return question_key(answer) if answer.strip() else 0


def _numbers() -> array[int]:
    return array("Q")


@dataclass
class Judged:
    """Keys of each row, 32 bytes, and what the near-duplicate index needs of it when that is asked for."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    exact: array[int] = field(default_factory=_numbers)
    questions: array[int] = field(default_factory=_numbers)
    answers: array[int] = field(default_factory=_numbers)
    sketches: Sketches | None = None

    @classmethod
    def of(cls, batch: Iterable[Row], near: bool) -> Judged:
        judged = cls()
        texts: list[str] = []
        for row_id, conversation in batch:
            judged.rows.append(row_id)
            judged.exact.append(row_key(conversation))
            judged.questions.append(prompt_key(conversation))
            judged.answers.append(answer_key(conversation))
            if near:
                texts.append(all_text(conversation))
        judged.sketches = Sketches.of(texts) if near else None
        return judged

    def extend(self, other: Judged) -> None:
        """Take over the keys; sketches go to the index."""
        self.rows.extend(other.rows)
        self.exact.extend(other.exact)
        self.questions.extend(other.questions)
        self.answers.extend(other.answers)


class Repeats:
    """Add what was judged of all rows, in order, then ask for findings."""

    def __init__(self, threshold: float, chosen: frozenset[str], pulse: Callable[[], None]) -> None:
        """`pulse`: see `NearIndex`."""
        self._chosen = chosen
        self._keys = Judged()
        self._index = NearIndex(threshold, pulse)

    def extend(self, judged: Judged) -> None:
        self._keys.extend(judged)
        if judged.sketches is not None:
            self._index.add_sketches(judged.rows, judged.sketches)

    def findings(self, again: Callable[[], Iterable[Row]]) -> Iterator[Finding]:
        """All findings; `again` gives the rows a second time and is only asked when answers may conflict."""
        if not self._keys.rows:
            return
        rows = np.array(self._keys.rows, dtype=np.int64)
        first = first_equal(np.array(self._keys.exact, dtype=np.uint64))
        later = np.flatnonzero(first != np.arange(len(first)))
        copies = dict(zip(rows[later].tolist(), rows[first[later]].tolist(), strict=True))
        if "exact_duplicate" in self._chosen:
            yield from (Finding(row, "exact_duplicate", f"same as row {of}", of) for row, of in copies.items())
        if "near_duplicate" in self._chosen:
            yield from self._near(copies)
        if "conflict" in self._chosen:
            yield from _conflicts(self._rivals(copies), again)

    def _near(self, copies: dict[int, int]) -> Iterator[Finding]:
        """Later rows of each group; copies are told of already."""
        closest: dict[int, tuple[bool, float, int]] = {}
        for one, two, share in self._index.pairs():
            for row, other in ((one, two), (two, one)):
                if row not in copies and (other := copies.get(other, other)) != row:
                    closest[row] = max(closest.get(row, (False, 0.0, row)), (other < row, share, other))
        for row, lowest in self._index.groups().items():
            if row in closest and row != lowest:
                _, share, other = closest[row]
                yield Finding(row, "near_duplicate", f"{_percent(share)} of its words are those of row {other}", lowest)

    def _rivals(self, copies: dict[int, int]) -> dict[int, int]:
        """For each row with another answer to an earlier question the first row that asks it."""
        questions = np.array(self._keys.questions, dtype=np.uint64)
        answers = np.array(self._keys.answers, dtype=np.uint64)
        rows = np.array(self._keys.rows, dtype=np.int64)
        asked = np.flatnonzero((questions != 0) & (answers != 0))
        first = asked[first_equal(questions[asked])]
        differ = answers[asked] != answers[first]
        found = zip(rows[asked[differ]].tolist(), rows[first[differ]].tolist(), strict=True)
        return {row: of for row, of in found if row not in copies}


def _conflicts(rivals: dict[int, int], again: Callable[[], Iterable[Row]]) -> Iterator[Finding]:
    """Rows whose answer differs clearly from that of the first row of their question, and that row."""
    if not rivals:
        return
    answers: dict[int, np.ndarray[Any, Any]] = dict.fromkeys(rivals.values(), np.empty(0, dtype=np.uint32))
    told: set[int] = set()
    for row, conversation in again():
        if row in answers:
            answers[row] = word_set(conversation.answer())
        first = rivals.get(row)
        if first is None or similarity(answers[first], word_set(conversation.answer())) >= CONFLICT_BELOW:
            continue
        if first not in told:
            told.add(first)
            yield Finding(first, "conflict", f"row {row} answers the same question differently", first)
        yield Finding(row, "conflict", f"row {first} answers the same question differently", first)


def _percent(share: float) -> str:
    """Whole percent, rounded down, so that only equal sets of words are called 100 %."""
    return f"{int(share * 100)} %"


def first_equal(keys: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """For each place the first place with the same key."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return np.asarray(first[inverse])
