"""What is asked: rows of a split or a prompt set, kept as they were when the comparison began."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from lib.data import datasets
from lib.errors import BadInput
from lib.evaluation import prompt_sets
from lib.evaluation.comparing.config import CompareConfig
from lib.evaluation.comparing.view import ComparisonView
from lib.records import Conversation, Message

SPARE = 100  # rows beyond twice the limit that are looked at, as some cannot be asked
REJECTED, NOTHING = "rejected in review", "asks nothing"


@dataclass(frozen=True, slots=True)
class Question:
    """The messages up to the answer, and the answer that is expected; empty where none is known."""

    row_id: int
    messages: tuple[Message, ...]
    reference: str

    @property
    def prompt(self) -> Conversation:
        return Conversation(self.messages)

    @property
    def whole(self) -> Conversation:
        """With the reference as its answer."""
        return Conversation((*self.messages, Message("assistant", self.reference)))

    @property
    def text(self) -> str:
        """For people: the request with its context; of a longer conversation every turn with who says it."""
        said = [f"{one.content}\n\n{one.context}" if one.context else one.content for one in self.messages]
        if len(said) == 1:
            return said[0]
        return "\n\n".join(f"{one.role}: {text}" for one, text in zip(self.messages, said, strict=True))

    def to_dict(self) -> dict[str, Any]:
        messages = [message.to_dict() for message in self.messages]
        return {"row_id": self.row_id, "messages": messages, "reference": self.reference}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Question:
        return cls(stored["row_id"], Conversation.from_dict(stored).messages, stored["reference"])


@dataclass(frozen=True)
class Chosen:
    """The questions that every side can answer. `left_out`: rows by reason. `unmatched`: those that only some sides
    could have answered."""

    questions: list[Question]
    left_out: dict[str, int]
    unmatched: int


Judge = Callable[[Question], tuple[list[str], bool]]
"""Why a question cannot be asked, a reason a side that cannot (none: all can), and whether some side can."""


def choose(view: ComparisonView, judge: Judge) -> Chosen:
    """The first questions, in an order that is the same for every comparison, that every side can answer.

    Raises:
        BadInput: there is none; says why.
        NotFound: the dataset or the prompt set is gone.
    """
    config = view.settings
    chosen = Chosen([], {}, 0)
    for most in (2 * config.limit + SPARE, None) if config.limit else (None,):
        candidates, skipped = _candidates(view, config, most)
        chosen = _judged(candidates, judge, config.limit, skipped)
        if len(chosen.questions) == config.limit or (most and len(candidates) < most):
            break
    if not chosen.questions:
        told = "; ".join(f"{count} {reason}" for reason, count in chosen.left_out.items()) or "it is empty"
        raise BadInput(f"Nothing of {view.asked} can be asked: {told}.", "Ask other rows, or shorter answers.")
    return chosen


def _judged(candidates: list[Question], judge: Judge, limit: int, skipped: Counter[str]) -> Chosen:
    left_out, unmatched = Counter(skipped), 0
    kept: list[Question] = []
    for question in candidates:
        if limit and len(kept) == limit:
            break
        reasons, some = judge(question)
        if not reasons:
            kept.append(question)
            continue
        left_out.update([reasons[0]])
        unmatched += some
    return Chosen(kept, dict(left_out), unmatched)


def _candidates(view: ComparisonView, config: CompareConfig, most: int | None) -> tuple[list[Question], Counter[str]]:
    """Questions in the order of a hash of their ids, `most` of them, and rows that are none."""
    skipped: Counter[str] = Counter()
    found = _of_set(view) if view.prompt_set else _of_split(view, skipped)
    asked = (_with_system(question, config.system) for question in found)
    if most is None:
        return sorted(asked, key=_place), skipped
    return heapq.nsmallest(most, asked, key=_place), skipped


def _of_split(view: ComparisonView, skipped: Counter[str]) -> Iterator[Question]:
    info = datasets.get(view.data_ref)
    rejected = datasets.rejected(info)
    for row_id, conversation in datasets.conversations(info, view.split):
        if row_id in rejected:
            skipped[REJECTED] += 1
            continue
        messages = conversation.messages
        asked = messages[:-1] if messages[-1].role == "assistant" else messages
        if not any(message.content.strip() or message.context.strip() for message in asked):
            skipped[NOTHING] += 1
            continue
        yield Question(row_id, asked, conversation.answer())


def _of_set(view: ComparisonView) -> Iterator[Question]:
    for prompt in prompt_sets.prompts(view.prompt_set):
        yield Question(prompt.id, Conversation.from_dict({"messages": prompt.messages}).messages, prompt.reference)


def _with_system(question: Question, system: str) -> Question:
    if not system.strip() or question.messages[0].role == "system":
        return question
    return Question(question.row_id, (Message("system", system), *question.messages), question.reference)


def _place(question: Question) -> bytes:
    return blake2b(str(question.row_id).encode(), digest_size=8).digest()


def written(questions: Iterable[Question]) -> str:
    """The snapshot: JSON Lines in ASCII, so that no character in a text ends a line."""
    return "".join(json.dumps(question.to_dict()) + "\n" for question in questions)
