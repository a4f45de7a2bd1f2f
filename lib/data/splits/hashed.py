"""Which side a row falls on: train, test or validation. Equal questions always fall on the same side."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from hashlib import blake2b
from typing import Any

from lib.errors import BadInput

SPLITS = ("train", "test", "validation")
SPELLINGS = {
    **{name: name for name in SPLITS},
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "eval": "test",
    "evaluation": "test",
    "testing": "test",
    "heldout": "test",
    "held-out": "test",
    "held_out": "test",
}
MIN_ROWS = 10  # below this no test split is made: every row is for training
HASH_RANGE = 1 << 64
_NOT_WORD = re.compile(r"[\W_]+")
_KEEP = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_DROPPED = bytes(byte for byte in range(128) if byte not in _KEEP)


def split_named(value: Any) -> str:
    """The split that a source's value means.

    Raises:
        BadInput: no known spelling; the message is the reason of a refusal.
    """
    found = SPELLINGS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise BadInput(f"split is {value!r:.40}, which is not known", f"Known: {', '.join(SPELLINGS)}.")
    return found


def question_key(question: str, context: str = "") -> int:
    """A number below 2**64 that questions share when they differ only in case, spaces and punctuation."""
    text = _squeezed(question) + (b"\0" + _squeezed(context) if context else b"")
    return int.from_bytes(blake2b(text or question.encode(), digest_size=8).digest(), "big")


def _squeezed(text: str) -> bytes:
    if text.isascii():
        return text.lower().encode().translate(None, _DROPPED)
    return _NOT_WORD.sub("", text.lower()).encode()


def is_test(key: int, fraction: float) -> bool:
    """Whether a question of that key is held out, when `fraction` of all (0 to 1) are."""
    return key < fraction * HASH_RANGE


def forced(keys: array[int], fraction: float) -> tuple[frozenset[int], str]:
    """Keys that make up the test split where chance left it empty or too full, and a note on it (or "").

    `keys` holds one key a row. Call it only when the hash alone does not do; see `needs_forcing`.
    """
    groups = Counter(keys)
    if len(keys) < MIN_ROWS or not fraction:
        return frozenset(), f"Fewer than {MIN_ROWS} rows: all are for training." if fraction else ""
    if len(groups) < 2:
        return frozenset(), "Every row asks the same question: no test split was made."
    smallest = min(groups, key=lambda key: (groups[key], key))
    return frozenset((smallest,)), ""


def needs_forcing(rows: int, held_out: int, fraction: float) -> bool:
    """Whether hashing left no test rows, nothing to train on, or split a source that is too small to."""
    return rows < MIN_ROWS or held_out == rows or (held_out == 0 and fraction > 0)
