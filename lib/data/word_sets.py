"""Texts as sets of words, how alike two sets are, and their MinHash signatures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

HASHES = 256
_SEED = 42
_NOT_WORD = bytes(byte if byte > 127 or chr(byte).isalnum() else 32 for byte in range(256))
_WIDE = re.compile("([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")  # scripts without spaces: each letter is a word
Array = np.ndarray[Any, Any]


def words(text: str) -> list[bytes]:
    """Words in lower case, without punctuation."""
    if not text.isascii():
        text = _WIDE.sub(r" \1 ", text)
    return text.lower().encode(errors="replace").translate(_NOT_WORD).split()


def word_set(text: str) -> Array:
    """The different words of a text as ascending 32-bit hashes, the same in every process."""
    found = set(words(text))
    hashes = np.fromiter(map(crc32, found), dtype=np.uint32, count=len(found))
    hashes.sort()
    return hashes


def similarity(one: Array, two: Array) -> float:
    """Jaccard similarity of two word sets, 0 to 1; 1 when both are empty."""
    both = np.concatenate([one, two])
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (len(both) - shared) if len(both) else 1.0


@dataclass(frozen=True)
class Sketches:
    """What the index needs of n texts; made apart so that other processes can do it.

    `signatures`: n x 256 bytes. `words`: the word sets one after another, `counts` (n) words each.
    """

    signatures: Array
    words: Array
    counts: Array

    @classmethod
    def of(cls, texts: Sequence[str]) -> Sketches:
        from rensa import RMinHash

        sets = [word_set(text) for text in texts]
        counts = np.array([len(found) for found in sets], dtype=np.uint32)
        flat = np.concatenate(sets) if sets else np.empty(0, dtype=np.uint32)
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat.astype(np.uint64), ends, HASHES, _SEED)
        signatures = np.array(matrix.to_rows(), dtype=np.uint32).astype(np.uint8).reshape(len(texts), HASHES)
        return cls(signatures, flat, counts)


def similarities(hashes: Array, ends: Array, pairs: Array) -> Array:
    """Jaccard similarity of each pair's word sets; text n has the words `hashes[ends[n]:ends[n + 1]]`."""
    starts, counts = ends[pairs], ends[pairs + 1] - ends[pairs]
    totals = counts.sum(axis=1)
    lengths = counts.ravel()
    inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    owners = np.repeat(np.arange(len(pairs), dtype=np.uint64), totals)
    tagged = (owners << np.uint64(32)) | hashes[np.repeat(starts.ravel(), lengths) + inside]
    tagged.sort()
    twice = tagged[1:][tagged[1:] == tagged[:-1]] >> np.uint64(32)
    shared = np.bincount(twice.astype(np.int64), minlength=len(pairs))
    return np.asarray(shared / np.maximum(totals - shared, 1))
