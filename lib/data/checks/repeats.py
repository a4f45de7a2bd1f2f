"""Rows that say the same, nearly the same, or answer one question in different ways.

One pass keeps 32 bytes of keys and 256 bytes of signature a row. A second pass reads the words of suspects only, so
that similarities are exact. Signatures are MinHash (Broder 1997) of a row's set of words: 256 hashes, of which one byte
each is kept; eight bytes make one of 32 bands, and rows that share a band are suspects. A pair of similarity 0.8 is
missed with a chance of 0.3 %, one of 0.85 with less than 1 in 10,000.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from lib.data.checks.report import Finding
from lib.data.splits import question_key
from lib.records import Conversation

HASHES = 256
BANDS = HASHES // 8
BATCH = 1024
MIN_WORDS = 5  # rows of fewer different words are too small to be nearly the same
CONFLICT_BELOW = 0.5  # Jaccard similarity of two answers' words, from which on down they differ clearly
_NOT_WORD = bytes(byte if byte > 127 or chr(byte).isalnum() else 32 for byte in range(256))
_WIDE = re.compile("([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")  # scripts without spaces: each letter is a word
_Pairs = Iterable[tuple[int, int]]


def words(text: str) -> list[bytes]:
    """Words in lower case, without punctuation."""
    if not text.isascii():
        text = _WIDE.sub(r" \1 ", text)
    return text.lower().encode(errors="replace").translate(_NOT_WORD).split()


def all_text(conversation: Conversation) -> str:
    return "\n".join(f"{message.context}\n{message.content}" for message in conversation.messages)


class Repeats:
    """Add every row, then ask for findings with the rows once more."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._ids: array[int] = array("q")
        self._keys = {name: array("Q") for name in ("exact", "question", "answer")}
        self._signatures: list[np.ndarray[Any, Any]] = []
        self._few = bytearray()
        self._waiting: list[list[bytes]] = []

    def add(self, row_id: int, conversation: Conversation) -> None:
        text, answer = all_text(conversation), conversation.answer()
        roles = " ".join(message.role for message in conversation.messages)
        prompt = all_text(conversation.prompt())
        digest = blake2b(f"{roles}\n{text}".encode(errors="replace"), digest_size=8).digest()
        self._ids.append(row_id)
        self._keys["exact"].append(int.from_bytes(digest, "big"))
        self._keys["question"].append(question_key(prompt) if prompt.strip() else len(self._ids))
        self._keys["answer"].append(question_key(answer) if answer.strip() else 0)
        found = words(text)
        self._few.append(len(set(found[:50])) < MIN_WORDS)
        self._waiting.append(found)
        if len(self._waiting) >= BATCH:
            self._sign()

    def _sign(self) -> None:
        from rensa import RMinHash

        if self._waiting:
            rows = RMinHash.digest_matrix_from_token_byte_sets(self._waiting, HASHES, 42).to_rows()
            self._signatures.append(np.array(rows, dtype=np.uint64).astype(np.uint8))
            self._waiting = []

    def findings(self, again: Iterable[tuple[int, Conversation]]) -> Iterator[Finding]:
        """All findings; `again` gives the rows a second time and is only read when there are suspects."""
        self._sign()
        if not self._ids:
            return
        first = _first_equal(np.array(self._keys["exact"], dtype=np.uint64))
        for place in np.flatnonzero(first != np.arange(len(first))):
            row, same = self._ids[place], self._ids[first[place]]
            yield Finding(row, "exact_duplicate", f"same as row {same}", same)
        unique = np.flatnonzero(first == np.arange(len(first)))
        near = self._near_pairs(unique)
        rivals = self._rival_pairs(unique)
        if near or rivals:
            texts, answers = self._read(again, {p for pair in near for p in pair}, {p for pair in rivals for p in pair})
            yield from self._near(near, texts)
            yield from self._conflicts(rivals, answers)

    def _near_pairs(self, unique: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
        """Pairs of places, lower first, whose signatures say that they may be similar enough."""
        few = np.frombuffer(bytes(self._few), dtype=np.uint8)
        places = unique[few[unique] == 0]
        signatures = np.concatenate(self._signatures)
        bands = signatures.view(np.uint64)
        found = [_neighbours(bands[places, number], places) for number in range(BANDS)]
        pairs = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), dtype=np.int64)
        kept: list[tuple[int, int]] = []
        for part in np.array_split(pairs, len(pairs) // 65536 + 1):
            alike = (signatures[part[:, 0]] == signatures[part[:, 1]]).mean(axis=1)
            kept += map(tuple, part[alike >= self._threshold - 0.1].tolist())
        return kept

    def _rival_pairs(self, unique: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
        """First row of a question, and each later row with another answer to it."""
        questions = np.array(self._keys["question"], dtype=np.uint64)[unique]
        answers = np.array(self._keys["answer"], dtype=np.uint64)[unique]
        told = answers != 0
        unique, questions, answers = unique[told], questions[told], answers[told]
        first = _first_equal(questions)
        return [
            (int(unique[first[n]]), int(unique[n])) for n in np.flatnonzero(answers != answers[first]).tolist()
        ]  # fmt: skip

    def _read(
        self, again: Iterable[tuple[int, Conversation]], near: set[int], rivals: set[int]
    ) -> tuple[dict[int, np.ndarray[Any, Any]], dict[int, np.ndarray[Any, Any]]]:
        """Sorted word hashes of suspects: of the whole text, and of the answer."""
        texts, answers = {}, {}
        for place, (_, conversation) in enumerate(again):
            if place in near:
                texts[place] = _hashed(words(all_text(conversation)))
            if place in rivals:
                answers[place] = _hashed(words(conversation.answer()))
        return texts, answers

    def _near(self, pairs: _Pairs, texts: dict[int, np.ndarray[Any, Any]]) -> Iterator[Finding]:
        lowest: dict[int, int] = {}

        def root(place: int) -> int:
            while lowest.get(place, place) != place:
                lowest[place] = place = lowest.get(lowest[place], lowest[place])
            return place

        for one, two in pairs:
            low, high = sorted((root(one), root(two)))
            if low != high and _jaccard(texts[one], texts[two]) >= self._threshold:
                lowest[high] = low
        for place in sorted(lowest):
            same = self._ids[root(place)]
            if same != self._ids[place]:
                yield Finding(self._ids[place], "near_duplicate", f"nearly the same as row {same}", same)

    def _conflicts(self, pairs: _Pairs, answers: dict[int, np.ndarray[Any, Any]]) -> Iterator[Finding]:
        told: set[int] = set()
        for first, later in pairs:
            if _jaccard(answers[first], answers[later]) >= CONFLICT_BELOW:
                continue
            one, two = self._ids[first], self._ids[later]
            if one not in told:
                told.add(one)
                yield Finding(one, "conflict", f"row {two} answers the same question differently", one)
            yield Finding(two, "conflict", f"row {one} answers the same question differently", one)


def _first_equal(keys: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """For each place the first place with the same key."""
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return np.asarray(first[inverse])


def _neighbours(keys: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Pairs of places with equal keys: each with the one before it, and with the first."""
    order = np.argsort(keys, kind="stable")
    ordered, sorted_places = keys[order], places[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    starts = np.searchsorted(ordered, ordered[same])
    before = np.stack([sorted_places[same - 1], sorted_places[same]], axis=1)
    return np.concatenate([before, np.stack([sorted_places[starts], sorted_places[same]], axis=1)])


def _hashed(found: list[bytes]) -> np.ndarray[Any, Any]:
    return np.unique(np.fromiter(map(hash, found), dtype=np.int64, count=len(found)))


def _jaccard(one: np.ndarray[Any, Any], two: np.ndarray[Any, Any]) -> float:
    both = np.concatenate([one, two])
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared) if len(both) else 1.0
