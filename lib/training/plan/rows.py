"""What a dataset comes to in tokens under a template, a tokenizer and the settings; quick enough for every change.

From the lint of all rows where there is a current one; otherwise a small train split is tokenized as training does it,
and of a large one a sample.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lib.data.datasets import DatasetInfo
from lib.training.config import TrainConfig
from lib.training.plan.counting import Counted, counted
from lib.training.rows import held_out

FILLED = 5000  # rows that packing is tried with
Array = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Rows:
    """Rows to train on. `lengths` and `learned`: tokens of each that was counted, and those with a loss.

    `rows`: of the train split. `used`: what is trained on, of which `cut`, `shortened` and `split` say what became of
    long rows. `left_out`: reason -> rows. `eval_rows`: held-out ones, at most. `weight`: rows that each counted one
    stands for, 1 when all were counted.
    """

    rows: int
    used: int
    left_out: dict[str, int]
    cut: int
    shortened: int
    split: int
    eval_rows: int
    weight: float
    source: str
    lengths: Array = field(repr=False, compare=False)
    learned: Array = field(repr=False, compare=False)

    @property
    def exact(self) -> bool:
        return self.weight == 1

    @property
    def tokens(self) -> int:
        return round(int(self.lengths.sum()) * self.weight)

    @property
    def trained(self) -> int:
        return round(int(self.learned.sum()) * self.weight)

    @property
    def longest(self) -> int:
        return int(self.lengths.max(initial=0))

    @property
    def mean(self) -> float:
        return float(self.lengths.mean()) if len(self.lengths) else 0.0

    @property
    def dropped_share(self) -> float:
        return sum(self.left_out.values()) / self.rows if self.rows else 0.0

    def sequences(self, max_length: int) -> int:
        """How many sequences packing makes of them: each takes the fullest place where it still goes in."""
        some = np.sort(self.lengths)[:: -max(1, len(self.lengths) // FILLED)] if len(self.lengths) else self.lengths
        places: list[int] = []
        made = 0
        for length in some.tolist():
            place = bisect_left(places, length)
            if place == len(places):
                made += 1
                insort(places, max(max_length - length, 0))
            else:
                insort(places, places.pop(place) - length)
        return math.ceil(made * self.used / len(some)) if len(some) else 0

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "used": self.used,
            "left_out": self.left_out,
            "cut": self.cut,
            "shortened": self.shortened,
            "split": self.split,
            "tokens": self.tokens,
            "trained_tokens": self.trained,
            "longest": self.longest,
            "mean": round(self.mean, 1),
            "eval_rows": self.eval_rows,
            "exact": self.exact,
            "source": self.source,
        }


def rows_of(info: DatasetInfo, model: str, template: str, config: TrainConfig) -> Rows:
    """Count them.

    Raises:
        NotFound, ModelError: no such template or model, or one that cannot be used.
        BadInput: `eval_split` names a split that is not there.
    """
    eval_rows = min(config.eval_rows, info.splits.get(held_out(info, config), 0))
    return _fitted(counted(info, model, template, config.escape_tags), config, eval_rows)


def _fitted(found: Counted, config: TrainConfig, eval_rows: int) -> Rows:
    """With the settings' limits on answers and on length, as `lib.training.rows` applies them."""
    left_out = dict(found.left_out)
    total, answer = found.totals, found.answers
    short = answer < max(config.min_answer_tokens, 1)
    wordy = ~short & (answer > config.max_answer_tokens) if config.max_answer_tokens else np.zeros_like(short)
    keep = ~(short | wordy)
    learned = total if config.train_on_prompt else answer
    total, learned = total[keep], learned[keep]
    long = total > config.max_length
    lengths, marks = _LONG[config.long_rows](total, learned, config.max_length)
    _leave_out(left_out, "shorter than min_answer_tokens", int(short.sum()), found.weight)
    _leave_out(left_out, "longer than max_answer_tokens", int(wordy.sum()), found.weight)
    dropped = int(long.sum()) if config.long_rows == "drop" else 0
    _leave_out(left_out, "longer than max_length", dropped, found.weight)
    _leave_out(left_out, "nothing left to learn after cutting", int((marks == 0).sum()), found.weight)
    lengths, marks = lengths[marks > 0], marks[marks > 0]
    changed = {name: round(int(long.sum()) * found.weight) if config.long_rows == name else 0 for name in _LONG}
    return Rows(
        rows=found.rows,
        used=round(len(lengths) * found.weight),
        left_out=left_out,
        cut=changed["cut"],
        shortened=changed["turns"],
        split=changed["split"],
        eval_rows=eval_rows,
        weight=found.weight,
        source=found.source,
        lengths=lengths,
        learned=marks,
    )


def _leave_out(left_out: dict[str, int], reason: str, rows: int, weight: float) -> None:
    if rows:
        left_out[reason] = left_out.get(reason, 0) + round(rows * weight)


def _drop(total: Array, learned: Array, limit: int) -> tuple[Array, Array]:
    fits = total <= limit
    return total[fits], learned[fits]


def _cut(total: Array, learned: Array, limit: int) -> tuple[Array, Array]:
    """What is learned stands at the end: so much of it is lost."""
    lost = np.maximum(total - limit, 0)
    return np.minimum(total, limit), np.maximum(learned - lost, 0)


def _turns(total: Array, learned: Array, limit: int) -> tuple[Array, Array]:
    """About: what is left after the oldest pairs went is some way below the limit."""
    left = np.where(total > limit, round(limit * 0.85), total)
    return left, np.maximum(learned * left // np.maximum(total, 1), 1)


def _split(total: Array, learned: Array, limit: int) -> tuple[Array, Array]:
    """About: parts of equal length."""
    parts = -(-total // limit)
    return np.repeat(total // parts, parts), np.repeat(learned // parts, parts)


_LONG = {"drop": _drop, "cut": _cut, "turns": _turns, "split": _split}
