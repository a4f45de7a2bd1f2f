"""Held-out rows that the training rows give away, told before the start."""

from __future__ import annotations

from functools import lru_cache

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.splits import leakage

MOST_ROWS = 2000  # that a plan looks through at once, in a second; of more rows Curate looks, and each comparison


def given_away(info: DatasetInfo, split: str) -> int:
    """Rows of a split whose question is asked in the training rows, in the same words or nearly; 0 where not looked."""
    rows = info.splits.get("train", 0) + info.splits.get(split, 0)
    return _given_away(info.ref, info.hash, split) if rows <= MOST_ROWS and split != "train" else 0


@lru_cache(maxsize=32)
def _given_away(ref: str, content: str, split: str) -> int:
    """`content` only tells a version from another of its name."""
    info = datasets.get(ref)
    learned, asked = (datasets.conversations(info, name) for name in ("train", split))
    return len(set(leakage.report(learned, asked).right_ids))
