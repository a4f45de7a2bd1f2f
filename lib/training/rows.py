"""From a dataset version to token ids and labels, with a count of every row that was left out and why."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.errors import BadInput, CannotCarry
from lib.formats import ModelTokenizer, Tokens, labels, render
from lib.records import Conversation
from lib.training.config import TrainConfig

BATCH = 512


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One row as the model sees it; `labels` is -100 where nothing is learned. `answer` counts trained tokens."""

    row_id: int
    ids: list[int]
    labels: list[int]
    answer: int


@dataclass
class Prepared:
    """Rows to train on, held-out rows to measure on, and what was left out."""

    train: list[TokenRow] = field(default_factory=list)
    evaluation: list[TokenRow] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    cut: int = 0

    def leave_out(self, reason: str, row_id: int, detail: str = "") -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1
        self.examples.setdefault(reason, f"row {row_id}{': ' if detail else ''}{detail}")

    def to_dict(self) -> dict[str, Any]:
        return {
            "train_rows": len(self.train),
            "train_tokens": sum(len(row.ids) for row in self.train),
            "trained_tokens": sum(row.answer for row in self.train),
            "eval_rows": len(self.evaluation),
            "cut_rows": self.cut,
            "left_out": self.left_out,
            "examples": self.examples,
        }


def prepare(info: DatasetInfo, template: str, tokenizer: ModelTokenizer, config: TrainConfig) -> Prepared:
    """Render and tokenize the train split, and `eval_rows` rows of the validation (else the test) split.

    Raises:
        BadInput: no row is left to train on; says why the rows went.
    """
    prepared = Prepared()
    prepared.train = list(_token_rows(info, "train", template, tokenizer, config, prepared))
    if not prepared.train:
        reasons = "; ".join(
            f"{count} {reason} ({prepared.examples[reason]})" for reason, count in prepared.left_out.items()
        )
        raise BadInput(
            f"No row of {info.name}@{info.version} can be trained on: {reasons or 'its train split is empty'}.",
            "Choose another template, raise max_length, or widen the limits on answer tokens.",
        )
    held_out = "validation" if info.splits.get("validation") else "test"
    rows = list(_token_rows(info, held_out, template, tokenizer, config, Prepared()))
    # A fixed choice, so that runs on the same data are measured on the same rows whatever their seed.
    prepared.evaluation = random.Random(0).sample(rows, min(config.eval_rows, len(rows)))
    return prepared


def _token_rows(
    info: DatasetInfo, split: str, template: str, tokenizer: ModelTokenizer, config: TrainConfig, prepared: Prepared
) -> Iterator[TokenRow]:
    for batch in _batches(datasets.conversations(info, split=split)):
        kept, segments = [], []
        for row_id, conversation in batch:
            if not conversation.answer().strip():  # it would teach the model to say nothing
                prepared.leave_out("without an answer", row_id)
                continue
            try:
                segments.append(render(conversation, template, tokenizer))
                kept.append(row_id)
            except CannotCarry as error:
                prepared.leave_out("cannot be carried by the template", row_id, error.message)
        for row_id, tokens in zip(kept, tokenizer.tokenize_batch(segments), strict=True):
            row = _fit(row_id, tokens, config, prepared)
            if row is not None:
                yield row


def _fit(row_id: int, tokens: Tokens, config: TrainConfig, prepared: Prepared) -> TokenRow | None:
    """The row within the limits of the settings, or None, with the reason counted."""
    answer = sum(tokens.trained)
    ids, marks = tokens.ids, list(tokens.ids) if config.train_on_prompt else labels(tokens)
    reason = ""
    if answer < max(config.min_answer_tokens, 1):
        reason = "shorter than min_answer_tokens"
    elif config.max_answer_tokens and answer > config.max_answer_tokens:
        reason = "longer than max_answer_tokens"
    elif len(ids) > config.max_length and config.long_rows == "drop":
        reason = "longer than max_length"
    elif all(mark == -100 for mark in marks[: config.max_length]):
        reason = "nothing left to learn after cutting"
    if reason:
        prepared.leave_out(reason, row_id, f"{answer} answer tokens of {len(ids)}")
        return None
    prepared.cut += len(ids) > config.max_length
    ids, marks = ids[: config.max_length], marks[: config.max_length]
    return TokenRow(row_id, ids, marks, sum(mark != -100 for mark in marks))


def _batches(rows: Iterator[tuple[int, Conversation]]) -> Iterator[list[tuple[int, Conversation]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
