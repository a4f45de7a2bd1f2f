"""Findings of rows: of their texts before they are encoded, and of their tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lib.errors import CannotCarry
from lib.formats.escaping import escapable
from lib.formats.jinja import TemplateError
from lib.formats.lint.kinds import Finding
from lib.formats.lint.probes import default_system
from lib.formats.lint.whitespace import eaten
from lib.formats.render import REFUSALS, render
from lib.formats.segments import Segment, find_any
from lib.formats.template import Template
from lib.formats.templates import get_template
from lib.formats.tokenizer import ModelTokenizer
from lib.formats.tokens import Tokens
from lib.records import Conversation

SHOWN = 60  # characters of a quotation


@dataclass(frozen=True, slots=True)
class Linted:
    """What one row shows. `tokens` (without spans) is None when the row is left out; `answer`: how many are learned."""

    findings: list[Finding]
    tokens: Tokens | None = None
    answer: int = 0

    @property
    def total(self) -> int | None:
        return None if self.tokens is None else len(self.tokens)

    @property
    def prompt(self) -> int | None:
        return None if self.tokens is None else len(self.tokens) - self.answer


def lint_row(
    conversation: Conversation,
    template: str | Template,
    tokenizer: ModelTokenizer,
    max_length: int | None = None,
    escape: bool = False,
) -> list[Finding]:
    """Findings of one row; none of its length without `max_length`, in tokens.

    Raises:
        NotFound: no such template.
        ModelError: the template needs a chat template that the model does not have.
    """
    linter = _linter(_template(template), tokenizer, max_length, escape)
    return linter([conversation])[0].findings


@lru_cache(maxsize=16)
def _linter(template: Template, tokenizer: ModelTokenizer, max_length: int | None, escape: bool) -> Linter:
    return Linter(template, tokenizer, max_length, escape)


def _template(template: str | Template) -> Template:
    return get_template(template) if isinstance(template, str) else template


class Linter:
    """Looks at rows as one template and tokenizer write them, with or without marks escaped; raises as `lint_row`."""

    def __init__(
        self, template: str | Template, tokenizer: ModelTokenizer, max_length: int | None = None, escape: bool = False
    ) -> None:
        self.template, self.tokenizer = _template(template), tokenizer
        self.max_length, self.escape = max_length, escape
        self.default_system = default_system(self.template, tokenizer)
        self._stops = frozenset(tokenizer.stop_ids(self.template))

    def __call__(self, batch: Sequence[Conversation]) -> list[Linted]:
        """What each row shows, in order; encoded together."""
        looked = [self._texts(conversation) for conversation in batch]
        segments = [written for _, written in looked if written is not None]
        encoded = iter(self.tokenizer.tokenize_batch(segments, spans=False))
        return [
            Linted(findings) if written is None else self._with_tokens(findings, next(encoded))
            for findings, written in looked
        ]

    def of_texts(self, conversation: Conversation) -> list[Finding]:
        """Findings of a row that can be made without its tokens."""
        return self._texts(conversation)[0]

    def encode(self, conversation: Conversation) -> Tokens:
        """Tokens of a row, without spans; raises what `render` raises."""
        return self.tokenizer.tokenize_batch([self.render(conversation)], spans=False)[0]

    def render(self, conversation: Conversation, *, generation: bool = False) -> list[Segment]:
        """What the template writes; raises what `render` of the formats raises."""
        return render(conversation, self.template, self.tokenizer, generation=generation, escape=self.escape)

    def _texts(self, conversation: Conversation) -> tuple[list[Finding], list[Segment] | None]:
        """Findings of the texts, and what the template writes; None when training would leave the row out."""
        findings: list[Finding] = []
        silent = not conversation.answer().strip()
        if silent:
            findings.append(_no_answer(conversation))
        try:
            segments = self.render(conversation, generation=silent)
        except REFUSALS as error:
            return [*findings, self._refused(conversation, error, silent)], None
        if not self.escape:
            findings += _specials(conversation, self.tokenizer.specials.known)
        if self.default_system and conversation.messages[0].role != "system":
            findings.append(Finding("own_system_prompt", f"{_quote(self.default_system)} is put before it"))
        if silent:
            return findings, None
        findings += self._whitespace(conversation, segments)
        return findings, segments

    def _refused(self, conversation: Conversation, error: CannotCarry | TemplateError, generation: bool) -> Finding:
        """Because of marks in its texts, when it would be carried with those escaped; otherwise for another reason."""
        if not self.escape:
            try:
                render(conversation, self.template, self.tokenizer, generation=generation, escape=True)
            except REFUSALS as other:
                error = other
            else:
                return Finding("tags_in_text", error.message, self._tagged(conversation))
        return Finding("cannot_carry", error.message)

    def _tagged(self, conversation: Conversation) -> int | None:
        """The number of the first message that holds something to escape."""
        tags = escapable(self.template, self.tokenizer)
        for number, message in enumerate(conversation.messages, start=1):
            if find_any(message.content, tags) or find_any(message.context, tags):
                return number
        return None

    def _whitespace(self, conversation: Conversation, segments: list[Segment]) -> Iterator[Finding]:
        for index, field, side in eaten(conversation, segments, self.render):
            name = "input" if field == "context" else f"{conversation.messages[index].role} text"
            yield Finding("whitespace_eaten", f"at the {side} of the {name}", index + 1)

    def _with_tokens(self, findings: list[Finding], tokens: Tokens) -> Linted:
        answer = sum(tokens.trained)
        findings += [*self._beginning(tokens.ids), *self._endings(tokens), *self._boundary(tokens)]
        findings += self._length(tokens, answer)
        return Linted(findings, tokens, answer)

    def _beginning(self, ids: list[int]) -> Iterator[Finding]:
        tokenizer = self.tokenizer
        bos = tokenizer.bos_id
        if tokenizer.specials.bos and ids[:1] != [bos]:
            yield Finding("bos_missing", f"it does not start with {tokenizer.specials.bos}")
        if bos is None or ids.count(bos) < 2:
            return
        # Where one token is both, an end and a beginning may follow each other.
        last = 1 if bos == tokenizer.eos_id else len(ids) - 1
        for number in range(last):
            if ids[number] == bos == ids[number + 1]:
                yield Finding("bos_twice", f"tokens {number + 1} and {number + 2} are both {self._shown([bos])}")
                return

    def _endings(self, tokens: Tokens) -> Iterator[Finding]:
        """The first answer of which each is true."""
        told: set[str] = set()
        for number, end in enumerate(_ends(tokens.trained), start=1):
            if tokens.ids[end - 1] in self._stops:
                continue
            behind = self._first_behind(tokens.ids, end)
            kind = "eos_not_trained" if behind in self._stops else "eos_missing"
            if kind not in told:
                told.add(kind)
                last = self._shown(tokens.ids[end - 1 : end])
                yield Finding(kind, f"what is learned of answer {number} ends with {_quote(last)}")

    def _first_behind(self, ids: list[int], end: int) -> int | None:
        """The first token from `end` on that is not mere whitespace."""
        for number in ids[end:]:
            if self._shown([number]).strip():
                return number
        return None

    def _boundary(self, tokens: Tokens) -> Iterator[Finding]:
        for number in tokens.joins[:1]:
            before, behind = (self._shown(tokens.ids[start : start + 1]) for start in (number - 1, number))
            yield Finding("boundary", f"between {_quote(before)} and {_quote(behind)}")

    def _length(self, tokens: Tokens, answer: int) -> Iterator[Finding]:
        limit = self.max_length or len(tokens)
        over = len(tokens) - limit
        if not any(tokens.trained[:limit]):
            yield Finding(
                "nothing_left", f"{answer} of its {len(tokens)} tokens are learned, none of the first {limit}"
            )
        if over > 0:
            lost = sum(tokens.trained[limit:])
            yield Finding("too_long", f"{len(tokens):,} tokens, {over:,} over the limit; {lost:,} of those are learned")

    def _shown(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=False, continuation=True)


def _no_answer(conversation: Conversation) -> Finding:
    last = conversation.messages[-1]
    number = len(conversation.messages)
    if last.role == "assistant":
        return Finding("no_answer", "the answer has no text", number)
    return Finding("no_answer", f"it ends with a {last.role} message", number)


def _specials(conversation: Conversation, known: frozenset[str]) -> Iterator[Finding]:
    """The first special token in each message."""
    for number, message in enumerate(conversation.messages, start=1):
        if literal := find_any(message.content, known) or find_any(message.context, known):
            yield Finding("specials_in_text", f"{literal} in the {message.role} text", number)


def _ends(trained: list[bool]) -> Iterator[int]:
    """Where each stretch of trained tokens ends."""
    start = 0
    with contextlib.suppress(ValueError):
        while True:
            start = trained.index(True, start)
            try:
                start = trained.index(False, start)
            except ValueError:
                yield len(trained)
                return
            yield start


def _quote(text: str) -> str:
    return f"“{text}”" if len(text) <= SHOWN else f"“{text[: SHOWN - 1]}…”"
