"""Sample answers of a run: which questions are asked, and what was answered so far (`runs/<id>/samples.jsonl`).

No torch: the answering itself is in `lib.training.trainer.samples`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.mapping.reading import read_conversation
from lib.formats import ModelTokenizer, Template
from lib.formats.render import REFUSALS
from lib.records import Conversation, Message
from lib.storage import run_dir
from lib.training.config import TrainConfig
from lib.training.rows import Prepared

FILE = "samples.jsonl"
REFUSED = "refused"
CANDIDATES = 20  # held-out rows that are looked at for one whose question is not too long


@dataclass(frozen=True)
class Sample:
    """One answer to one question at one step.

    `tokens`: of the answer, without the one that ends it. `seconds`: its share of the time that all answers of the
    step took. `ended`: `end` (the model ended it), `length` (cut at `sample_tokens`), or `refused`, and `answer` is
    empty and `problem` says why. `reference` and `row_id` are those of a held-out row, else empty and None.
    """

    step: int
    prompt: str
    answer: str
    tokens: int
    seconds: float
    ended: str
    reference: str = ""
    row_id: int | None = None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Question:
    """A question as the model gets it. `problem`: why it cannot be asked, and then there are no `ids`."""

    prompt: str
    ids: list[int]
    reference: str = ""
    row_id: int | None = None
    problem: str = ""


def samples_file(run_id: str) -> Path:
    return run_dir(run_id) / FILE


def read_samples(run_id: str) -> list[Sample]:
    """All answers so far, by step; a last line that is still being written is left out.

    An answer that was given again, by a resumed run, stands in for the first.
    """
    path = samples_file(run_id)
    if not path.exists():
        return []
    names = {field.name for field in fields(Sample)}
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    lines = [json.loads(line) for line in whole.split("\n") if line.strip()]
    found = [Sample(**{key: value for key, value in line.items() if key in names}) for line in lines]
    newest = {(sample.step, sample.prompt, sample.row_id): sample for sample in found}
    return sorted(newest.values(), key=lambda sample: sample.step)


def by_question(samples: list[Sample]) -> dict[str, list[Sample]]:
    """How the answer to each question changed, from the first step to the last."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.prompt, []).append(sample)
    return found


def questions(
    config: TrainConfig, info: DatasetInfo, prepared: Prepared, template: Template, tokenizer: ModelTokenizer
) -> list[Question]:
    """What the settings ask for: a question a line of `sample_prompts`, or that of the first held-out row.

    A run without held-out rows gets the question of its first row.
    """
    if not config.sample_tokens:
        return []
    lines = dict.fromkeys(line.strip() for line in config.sample_prompts.splitlines())
    asked = [Conversation((Message("user", line),)) for line in lines if line]
    if asked:
        return [_question(conversation, template, tokenizer, config) for conversation in asked]
    return _of_a_row(config, info, prepared, template, tokenizer)


def _of_a_row(
    config: TrainConfig, info: DatasetInfo, prepared: Prepared, template: Template, tokenizer: ModelTokenizer
) -> list[Question]:
    rows = sorted({row.row_id for row in prepared.evaluation or prepared.train})[:CANDIDATES]
    found = []
    for row_id in rows:
        conversation = read_conversation(datasets.row(info, row_id), info.mapping)
        question = _question(conversation, template, tokenizer, config, row_id)
        if len(question.ids) <= config.max_length:
            return [question]
        found.append(question)
    return found[:1]


def _question(
    conversation: Conversation,
    template: Template,
    tokenizer: ModelTokenizer,
    config: TrainConfig,
    row_id: int | None = None,
) -> Question:
    last = conversation.prompt().messages[-1]
    prompt = f"{last.content}\n\n{last.context}" if last.context else last.content
    try:
        written = tokenizer.encode_conversation(conversation, template, generation=True, escape=config.escape_tags)
    except REFUSALS as error:
        return Question(prompt, [], row_id=row_id, problem=error.message)
    return Question(prompt, written.ids, conversation.answer(), row_id)
