"""Questions as token ids, for each side in its own template and with its own tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib import models
from lib.errors import CannotCarry
from lib.evaluation.comparing.questions import Question
from lib.evaluation.sides import Side
from lib.formats import ModelTokenizer, load_tokenizer
from lib.formats.escaping import escapable, unescape_text
from lib.formats.render import REFUSALS
from lib.formats.template import Template
from lib.formats.tokens import IGNORED
from lib.models import ModelInfo
from lib.models.details import USUAL_CONTEXT


@dataclass(frozen=True, slots=True)
class Encoded:
    """A question for one side: the prompt, and the whole with its reference; empty where there is none."""

    prompt: list[int]
    whole: list[int]

    @property
    def labels(self) -> list[int]:
        """The ids of the reference, -100 before."""
        return [IGNORED] * len(self.prompt) + self.whole[len(self.prompt) :]


class Reader:
    """Writes questions for one side, and reads its answers."""

    def __init__(self, side: Side) -> None:
        """Raises:
        NotFound, ModelError: the model is gone or broken.
        """
        self.side = side
        self.model: ModelInfo = models.find(side.model).check()
        self.tokenizer: ModelTokenizer = load_tokenizer(self.model.path)
        self.template: Template = side.renderer
        self.stop_ids = tuple(self.tokenizer.stop_ids(self.template))
        self._tags = escapable(self.template, self.tokenizer) if side.escape else None

    @property
    def context_length(self) -> int:
        """Most tokens that prompt and answer may have together."""
        return self.model.context_length or USUAL_CONTEXT

    def encode(self, question: Question) -> Encoded:
        """Raises:
        CannotCarry, TemplateError: the template has no place for this conversation.
        """
        prompt = self._ids(question, generation=True)
        return Encoded(prompt, self._ids(question, generation=False) if question.reference else [])

    def _ids(self, question: Question, generation: bool) -> list[int]:
        conversation = question.whole if question.reference else question.prompt
        return self.tokenizer.encode_conversation(
            conversation, self.template, generation=generation, escape=self.side.escape
        ).ids

    def refusal(self, question: Question, new_tokens: int) -> str:
        """Why this side cannot answer a question; empty when it can."""
        try:
            encoded = self.encode(question)
        except (CannotCarry, *REFUSALS):
            return f"cannot be carried by the template {self.template.name}"
        if len(encoded.prompt) + new_tokens > self.context_length or len(encoded.whole) > self.context_length:
            return f"leave {self.side.model} no room for an answer in its {self.context_length} tokens"
        return ""

    def read(self, ids: Sequence[int]) -> str:
        """The text of an answer."""
        text = self.tokenizer.decode(ids, continuation=True).strip()
        return unescape_text(text, self._tags) if self._tags is not None else text


def judged(readers: Sequence[Reader], question: Question, new_tokens: int) -> tuple[list[str], bool]:
    """The reasons of the sides that cannot answer a question, and whether some other side can."""
    reasons = [reason for reader in readers if (reason := reader.refusal(question, new_tokens))]
    return reasons, 0 < len(reasons) < len(readers)
