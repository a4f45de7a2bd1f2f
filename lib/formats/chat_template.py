"""A chat template in Jinja, the model's or one's own: what it writes, cut into prompt and answer, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from lib.errors import BadInput, CannotCarry, ModelError
from lib.formats import context
from lib.formats.checks import holds_mark
from lib.formats.jinja import Faulty, Program, Refusal, TemplateError, Written
from lib.formats.layout import Layout
from lib.formats.learned import learn
from lib.formats.segments import Segment, Specials, find_any, merge
from lib.formats.spans import Span, cut, outside
from lib.formats.template import Template
from lib.records import Conversation

_OTHER = "Choose another template, or change the row."
_PROBE = ({"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"})

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class ChatTemplate:
    """A chat template with the special tokens it may name (`bos_token`, …); `known`: all special literals.

    `name` stands in refusals: `model` for the model's own. One's own is read strictly: what is not there may not be
    printed.
    """

    source: str
    names: Mapping[str, Any] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    name: str = "model"

    def render(self, messages: Messages, *, generation: bool) -> str:
        """The text the template makes of `messages` of `{"role", "content"}`.

        Raises:
            CannotCarry: the template refuses them, in its own words.
            TemplateError: the template is broken, or asks for too much.
        """
        return self._write(messages, generation).text

    def segments(self, conversation: Conversation, *, generation: bool) -> list[Segment]:
        """Segments of a checked conversation.

        Trained is what stands in `{% generation %}` blocks, when the template has them. Otherwise an answer with the
        special token that ends it, the answer being what the template writes after the prompt before it.

        Raises:
            CannotCarry: the template leaves out or changes a message, an answer does not follow its prompt, a block
                begins inside a prompt, or a text cannot be told from the template's own marks.
            TemplateError: the template is broken, or asks for too much.
        """
        texts = context.written(conversation, self.name)
        messages = [
            {"role": message.role, "content": text} for message, text in zip(conversation.messages, texts, strict=True)
        ]
        text, answers = self._follow(messages, generation)
        self._check_all_written(messages, text)
        self._check_comes_back(conversation, text)
        if self._program.has_blocks:
            spans = self._blocks(messages, text, answers, generation)
        else:
            spans = [self._answer(text, span, messages[number - 1]["content"], number) for number, span in answers]
        return merge(cut(text, spans, self.known))

    def end_of_turn(self) -> str:
        """The special token that ends an answer; empty when there is none or the template cannot be used."""
        try:
            prompt = self.render([*_PROBE[:1]], generation=True)
            rest = self._after(prompt, self.render([*_PROBE], generation=False), 2).partition("answer")[2]
        except (CannotCarry, ModelError):
            return ""
        return find_any(rest, self.known)

    @cached_property
    def layout(self) -> Layout | None:
        """How texts stand in what the template writes; None when that cannot be learned."""
        return learn(lambda messages, generation: self.render(messages, generation=generation))

    @property
    def marks(self) -> frozenset[str]:
        """The template's own marks, such as `[INST]`; none when its layout cannot be learned."""
        return self.layout.marks if self.layout else frozenset()

    def parse(self, text: str) -> Conversation:
        """Read text that the template wrote. Whitespace that it strips is gone; its own system text reads as none.

        Raises:
            BadInput: the text is not in the template's form, or that form cannot be read.
        """
        if self.layout is None:
            raise BadInput(f"Text in the form {self.name} cannot be read back.", "Bring the rows as messages.")
        return self.layout.parse(text)

    @property
    def _title(self) -> str:
        return "The model's chat template" if self.name == "model" else f"The template {self.name}"

    @cached_property
    def _program(self) -> Program:
        try:
            return Program.of(self.source, strict=self.name != "model")
        except Faulty as error:
            self._fail(error)

    def _write(self, messages: Messages, generation: bool, mark: bool = False) -> Written:
        names = {"tools": None, "documents": None, **self.names}
        try:
            return self._program.write(messages, names, generation=generation, mark=mark)
        except Refusal as error:
            raise CannotCarry(
                f"{self.name} cannot carry this conversation: the chat template says: {error}", _OTHER
            ) from error
        except Faulty as error:
            self._fail(error)

    def _fail(self, error: Faulty) -> NoReturn:
        hint = "Choose another template." if self.name == "model" else "Correct the template there."
        raise TemplateError(self._title, error.fault, hint) from error

    def _follow(self, messages: Messages, generation: bool) -> tuple[str, list[tuple[int, Span]]]:
        """The whole text, and for each answer its number and where in the text it stands with what ends it."""
        done = ""
        answers = []
        for number, message in enumerate(messages, start=1):
            if message["role"] == "assistant":
                prompt = self.render(messages[: number - 1], generation=True)
                self._after(done, prompt, number - 1)
                done = self.render(messages[:number], generation=False)
                self._after(prompt, done, number)
                answers.append((number, (len(prompt), len(done))))
        if generation:
            prompt = self.render(messages, generation=True)
            self._after(done, prompt, len(messages))
            done = prompt
        return done, answers

    def _answer(self, text: str, span: Span, answer: str, number: int) -> Span:
        """Up to and with the first special token behind the answer's text; what follows is layout."""
        start, end = span
        answer = answer.strip()
        at = text.find(answer, start, end)
        if at < 0:
            raise self._changed(number)
        behind = at + len(answer)
        token = find_any(text[behind:end], self.known)
        return start, text.index(token, behind) + len(token) if token else end

    def _blocks(self, messages: Messages, text: str, answers: list[tuple[int, Span]], generation: bool) -> list[Span]:
        """The template's own blocks. None may reach into a prompt, which the model is given; whitespace aside."""
        written = self._write(messages, generation, mark=True)
        if written.text != text:
            raise CannotCarry(f"{self.name} cannot carry this conversation: it is written differently twice.", _OTHER)
        spans, done = list(written.trained), 0
        for number, (start, end) in answers:
            spans = [part for span in spans for part in outside(span, (done, start))]
            given = sum(len(text[max(a, done) : min(b, start)].strip()) for a, b in written.trained)
            if given:
                raise CannotCarry(
                    f"{self.name} cannot carry message {number}: the trained part begins inside the prompt.",
                    "Move {% generation %} behind what add_generation_prompt writes, or choose another template.",
                )
            done = end
        return spans

    def _check_comes_back(self, conversation: Conversation, text: str) -> None:
        """Refuse texts that cannot be told from what the template writes between them."""
        layout = self.layout
        if layout is None or layout.brings_back(conversation, text) or not layout.may_change(conversation):
            return
        for number, message in enumerate(conversation.messages, start=1):
            text = context.join(message.content, message.context)
            if mark := find_any(text, self.marks):
                raise holds_mark(self.name, number, message.role, mark)
        raise CannotCarry(
            f"{self.name} cannot carry this conversation: its texts cannot be told from what the template writes "
            "between them.",
            _OTHER,
        )

    def _check_all_written(self, messages: Sequence[Mapping[str, str]], text: str) -> None:
        for number, message in enumerate(messages, start=1):
            if message["content"].strip() not in text:
                raise self._changed(number)

    def _after(self, start: str, whole: str, number: int) -> str:
        """What `whole` adds to `start`."""
        if whole.startswith(start):
            return whole[len(start) :]
        raise CannotCarry(
            f"{self.name} cannot carry message {number}: the chat template rewrites what came before it, so the "
            "prompt at generation would differ from the text in training.",
            _OTHER,
        )

    def _changed(self, number: int) -> CannotCarry:
        return CannotCarry(
            f"{self.name} cannot carry message {number}: the chat template leaves it out or changes its text.", _OTHER
        )


def _without_tokenizer(conversation: Conversation, specials: Specials, generation: bool) -> list[Segment]:
    raise ModelError("The model template needs a model.", "Choose a model, or another template.")


MODEL = Template(
    name="model",
    label="The model's own",
    help="The chat template that comes with the model. Safest for a model that has already learned to chat.",
    segments=_without_tokenizer,
    literal=Specials(),
    needs_tokenizer=True,
)
