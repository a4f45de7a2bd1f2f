"""From a dataset version to token ids and labels, with a count of every row that was left out and why."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.errors import BadInput
from lib.formats import ModelTokenizer, Segment, Template, Tokens, get_template, labels, render
from lib.formats.fitting import Effect, Encode, fit
from lib.formats.render import REFUSALS
from lib.records import Conversation
from lib.training.config import TrainConfig

BATCH = 512
_TOO_LONG = {"too long": "longer than max_length", "nothing left": "nothing left to learn after cutting"}

NO_ROW_LEFT = "Choose another template, raise max_length or change long_rows, or widen the limits on answer tokens."
"""What to do where no row can be trained on."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One row, or a part of one, as the model sees it; `labels` is -100 where nothing is learned.

    `answer` counts trained tokens. Parts of a row all have its id.
    """

    row_id: int
    ids: list[int]
    labels: list[int]
    answer: int


@dataclass
class Prepared:
    """Rows to train on, held-out rows to measure on, what was left out, and what became of long rows."""

    train: list[TokenRow] = field(default_factory=list)
    evaluation: list[TokenRow] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    long_rows: Effect = field(default_factory=Effect)

    @property
    def cut(self) -> int:
        """Rows whose end was cut off."""
        return self.long_rows.cut

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
            "long_rows": self.long_rows.to_dict(),
            "left_out": self.left_out,
            "examples": self.examples,
        }


def prepare(info: DatasetInfo, template: str | Template, tokenizer: ModelTokenizer, config: TrainConfig) -> Prepared:
    """Render and tokenize the train split, and `eval_rows` rows of the validation (else the test) split.

    A template goes by its name.

    Raises:
        BadInput: no row is left to train on; says why the rows went.
    """
    template = get_template(template) if isinstance(template, str) else template
    prepared = Prepared()
    prepared.train = list(_token_rows(info, "train", template, tokenizer, config, prepared))
    if not prepared.train:
        reasons = "; ".join(
            f"{count} {reason} ({prepared.examples[reason]})" for reason, count in prepared.left_out.items()
        )
        raise BadInput(
            f"No row of {info.name}@{info.version} can be trained on: {reasons or 'its train split is empty'}.",
            NO_ROW_LEFT,
        )
    rows = list(_token_rows(info, held_out(info, config), template, tokenizer, config, Prepared()))
    # A fixed choice, so that runs on the same data are measured on the same rows whatever their seed.
    prepared.evaluation = random.Random(0).sample(rows, min(config.eval_rows, len(rows)))
    return prepared


def held_out(info: DatasetInfo, config: TrainConfig) -> str:
    """The split that the loss is measured on.

    Raises:
        BadInput: the one that was asked for is not there.
    """
    if config.eval_split and config.eval_split not in info.splits:
        raise BadInput(
            f"{info.ref} has no split {config.eval_split!r} to measure on.", f"It has: {', '.join(info.splits)}."
        )
    return config.eval_split or ("validation" if info.splits.get("validation") else "test")


def _token_rows(
    info: DatasetInfo,
    split: str,
    template: Template,
    tokenizer: ModelTokenizer,
    config: TrainConfig,
    prepared: Prepared,
) -> Iterator[TokenRow]:
    def written(conversation: Conversation) -> list[Segment]:
        return render(conversation, template, tokenizer, escape=config.escape_tags)

    def encode(conversation: Conversation) -> Tokens:
        return _to_learn(tokenizer.tokenize_batch([written(conversation)], spans=False)[0], config)

    rejected = datasets.rejected(info)
    for batch in _batches(datasets.conversations(info, split=split)):
        kept, segments = [], []
        for row_id, conversation in batch:
            if row_id in rejected:
                prepared.leave_out("rejected in review", row_id)
                continue
            if not conversation.answer().strip():  # it would teach the model to say nothing
                prepared.leave_out("without an answer", row_id)
                continue
            try:
                segments.append(written(conversation))
                kept.append((row_id, conversation))
            except REFUSALS as error:
                prepared.leave_out("cannot be carried by the template", row_id, error.message)
        encoded = tokenizer.tokenize_batch(segments, spans=False)
        for (row_id, conversation), tokens in zip(kept, encoded, strict=True):
            if not _limited(row_id, tokens, config, prepared):
                yield from _fitted(row_id, conversation, _to_learn(tokens, config), config, prepared, encode)


def _to_learn(tokens: Tokens, config: TrainConfig) -> Tokens:
    """The tokens with the mask that the settings ask for."""
    return replace(tokens, trained=[True] * len(tokens)) if config.train_on_prompt else tokens


def _limited(row_id: int, tokens: Tokens, config: TrainConfig, prepared: Prepared) -> bool:
    """Whether the row is left out for the length of its answers; the reason is counted."""
    answer = sum(tokens.trained)
    if answer < max(config.min_answer_tokens, 1):
        prepared.leave_out("shorter than min_answer_tokens", row_id, f"{answer} answer tokens of {len(tokens)}")
    elif config.max_answer_tokens and answer > config.max_answer_tokens:
        prepared.leave_out("longer than max_answer_tokens", row_id, f"{answer} answer tokens of {len(tokens)}")
    else:
        return False
    return True


def _fitted(
    row_id: int, conversation: Conversation, tokens: Tokens, config: TrainConfig, prepared: Prepared, encode: Encode
) -> Iterator[TokenRow]:
    """What `long_rows` makes of the row, within `max_length`; counted."""
    fitted = fit(conversation, tokens, config.max_length, config.long_rows, encode)
    prepared.long_rows += fitted.effect
    if fitted.outcome in _TOO_LONG:
        learned = f"{sum(tokens.trained)} tokens to learn of {len(tokens)}"
        prepared.leave_out(_TOO_LONG[fitted.outcome], row_id, learned)
    for part in fitted.parts:
        yield TokenRow(row_id, part.ids, labels(part), sum(part.trained))


def _batches(rows: Iterator[tuple[int, Conversation]]) -> Iterator[list[tuple[int, Conversation]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
