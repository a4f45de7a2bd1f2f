"""Which rows make up which step: packed into sequences, and in an order that only the seed and the epoch decide.

A run that is taken up again, in a process of its own, so sees the batches that an unbroken one would have seen.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

import torch
from datasets import Dataset
from torch.utils.data import Sampler

from lib.training.rows import TokenRow

_STEPS_SORTED = 50  # rows of so many steps are sorted by length together


def pack(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """Sequences of at most `limit` tokens, each the indices of its rows: best-fit decreasing.

    The longest row that is left goes where it leaves least room, or begins a sequence. Rows over the limit, if there
    are any, have one of their own.
    """
    sequences: list[list[int]] = []
    room: list[tuple[int, int]] = []  # tokens left and the sequence, sorted
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        place = bisect_left(room, (lengths[index], -1))
        if place == len(room):
            left, sequence = limit, len(sequences)
            sequences.append([])
        else:
            left, sequence = room.pop(place)
        sequences[sequence].append(index)
        if left > lengths[index]:
            insort(room, (left - lengths[index], sequence))
    return sequences


def dataset(rows: Sequence[TokenRow], packed_to: int = 0) -> Dataset:
    """What the trainer's collator takes: `input_ids`, `labels`, and, where rows are packed, their `seq_lengths`.

    No row's first token is learned: nothing of its own comes before it.
    """
    if not packed_to:
        return Dataset.from_dict({"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]})
    groups = [[rows[index] for index in sequence] for sequence in pack([len(row.ids) for row in rows], packed_to)]
    return Dataset.from_dict(
        {
            "input_ids": [[token for row in group for token in row.ids] for group in groups],
            "labels": [[label for row in group for label in (-100, *row.labels[1:])] for group in groups],
            "seq_lengths": [[len(row.ids) for row in group] for group in groups],
        }
    )


class RowOrder(Sampler[int]):
    """The order of rows in an epoch; consecutive ones make up a step.

    Args:
        lengths: tokens of each row.
        per_step: rows of an optimizer step.
        grouped: make the rows of a step alike in length. The step with the longest rows then comes first, so that
            memory that will not do shows at once.
    """

    def __init__(self, lengths: Sequence[int], seed: int, per_step: int, grouped: bool) -> None:
        self.lengths, self.seed, self.per_step, self.grouped = lengths, seed, per_step, grouped
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=random).tolist()
        return iter(self._grouped(order, random) if self.grouped else order)

    def _grouped(self, order: list[int], random: torch.Generator) -> list[int]:
        whole = len(order) - len(order) % self.per_step
        together = self.per_step * _STEPS_SORTED
        by_length = [
            row
            for start in range(0, whole, together)
            for row in sorted(order[start : min(start + together, whole)], key=lambda row: -self.lengths[row])
        ]
        steps = [by_length[start : start + self.per_step] for start in range(0, whole, self.per_step)]
        steps = [steps[index] for index in torch.randperm(len(steps), generator=random).tolist()]
        if steps:
            longest = max(range(len(steps)), key=lambda index: sum(self.lengths[row] for row in steps[index]))
            steps[0], steps[longest] = steps[longest], steps[0]
        return [row for step in steps for row in step] + order[whole:]
