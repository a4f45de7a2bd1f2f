"""Which side a person sees on the left: the same at every reload, and nothing that another person could tell from."""

from __future__ import annotations

import hashlib

BASE, TUNED = "base", "tuned"


def left_side(seed: int, rater: str, row_id: int) -> str:
    """`base` or `tuned`, by a hash keyed with the ballot's seed: each in half of the cases."""
    digest = hashlib.blake2b(f"{row_id}:{rater}".encode(), key=str(seed).encode(), digest_size=1).digest()
    return TUNED if digest[0] & 1 else BASE


def to_stored(choice: str, left: str) -> str:
    """What a person said of left and right, as base and tuned; other words stay."""
    if choice == "left":
        return left
    if choice == "right":
        return BASE if left == TUNED else TUNED
    return choice


def to_seen(stored: str, left: str) -> str:
    """The way back: base and tuned as left and right."""
    if stored in (BASE, TUNED):
        return "left" if stored == left else "right"
    return stored
