"""Batches of a run as far as memory and time depend on them: how many tokens the longest and a usual one have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lib.training.config import TrainConfig

Array = np.ndarray[Any, np.dtype[np.int64]]
Counts = Sequence[int] | Array


@dataclass(frozen=True)
class Batch:
    """`tokens` of `rows` rows, the longest of which has `longest`; the loss counts `trained` of them."""

    rows: int
    tokens: int
    trained: int
    longest: int


def longest_batch(lengths: Counts, trained: Counts, config: TrainConfig) -> Batch:
    """The most that a batch can come to: with the longest rows of all in it, by chance or sorted by length."""
    size = np.asarray(lengths, dtype=np.int64)
    learned = np.asarray(trained, dtype=np.int64)
    rows = config.per_device_train_batch_size
    if not len(size):
        return Batch(0, 0, 0, 0)
    if config.packing:
        return _packed(size, learned, rows, config.max_length)
    rows = min(rows, len(size))
    tokens = _largest(size, rows)
    # The rows with most to learn need not be the longest ones; both together bound what a batch can hold.
    return Batch(rows, tokens, min(_largest(learned, rows), tokens), int(size.max()))


def _largest(counts: Array, rows: int) -> int:
    """The sum of so many of the largest; nothing is sorted, as a plan asks this of a million rows many times."""
    return int(np.partition(counts, -rows)[-rows:].sum())


def usual_batch(lengths: Counts, trained: Counts, config: TrainConfig) -> Batch:
    """A batch of rows of mean length."""
    size = np.asarray(lengths, dtype=np.int64)
    learned = np.asarray(trained, dtype=np.int64)
    rows = min(config.per_device_train_batch_size, len(size))
    if not len(size):
        return Batch(0, 0, 0, 0)
    if config.packing:
        return _packed(size, learned, rows, config.max_length)
    return Batch(rows, round(rows * size.mean()), round(rows * learned.mean()), round(float(np.median(size))))


def _packed(size: Array, learned: Array, rows: int, max_length: int) -> Batch:
    """Full sequences, as far as there are tokens to fill them."""
    tokens = min(rows * max_length, int(size.sum()))
    share = learned.sum() / max(size.sum(), 1)
    return Batch(rows, tokens, round(tokens * share), int(size.max()))
