"""The tokenizer's own chat template, rendered in a sandbox without transformers.

What a template may use follows `transformers/utils/chat_template_utils.py`
(https://github.com/huggingface/transformers): trimmed blocks, loop controls, `tojson`, `raise_exception`,
`strftime_now`, `{% generation %}` blocks. Templates come with models from anywhere: they are untrusted code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lib.errors import CannotCarry, ModelError
from lib.formats import context
from lib.formats.segments import Segment, Specials, find_any, merge, split_specials
from lib.formats.template import Template
from lib.records import Conversation

_OTHER = "Choose another template, or change the row."
_PROBE = ({"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"})


class _GenerationBlock(Extension):
    """Lets `{% generation %} … {% endgeneration %}` through as if the tags were not there."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Refusal(jinja2.TemplateError):
    """What `raise_exception` raises: the template's author refuses the conversation."""


def _raise_exception(message: str) -> None:
    raise _Refusal(message)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    """Plain JSON: jinja2's own filter escapes HTML characters."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _now(form: str) -> str:
    return datetime.now().strftime(form)


@lru_cache(maxsize=32)
def _compile(source: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _GenerationBlock]
    )
    environment.filters["tojson"] = _to_json
    environment.globals.update(raise_exception=_raise_exception, strftime_now=_now)
    try:
        return environment.from_string(source)
    except jinja2.TemplateError as error:
        raise ModelError(f"The model's chat template cannot be read: {error}.", "Choose another template.") from error


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A model's chat template with the special tokens it may name (`bos_token`, …); `known`: all special literals."""

    source: str
    names: Mapping[str, Any] = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    def render(self, messages: list[dict[str, str]], *, generation: bool) -> str:
        """The text the template makes of `messages` of `{"role", "content"}`.

        Raises:
            CannotCarry: the template refuses them, in its own words.
            ModelError: the template is broken.
        """
        template = _compile(self.source)
        try:
            return template.render(
                messages=messages, tools=None, documents=None, add_generation_prompt=generation, **self.names
            )
        except _Refusal as error:
            raise CannotCarry(
                f"model cannot carry this conversation: the chat template says: {error}", _OTHER
            ) from error
        except Exception as error:  # A template is a program: it may fail in any way.
            raise ModelError(f"The model's chat template failed: {error}.", "Choose another template.") from error

    def segments(self, conversation: Conversation, *, generation: bool) -> list[Segment]:
        """Segments of a checked conversation. An answer is what the template writes after the prompt before it.

        Raises:
            CannotCarry: the template leaves out or changes a message, or an answer does not follow its prompt.
            ModelError: the template is broken.
        """
        texts = context.written(conversation, "model")
        messages = [
            {"role": message.role, "content": text} for message, text in zip(conversation.messages, texts, strict=True)
        ]
        out: list[Segment] = []
        done = ""
        for number, message in enumerate(messages, start=1):
            if message["role"] != "assistant":
                continue
            prompt = self.render(messages[: number - 1], generation=True)
            whole = self.render(messages[:number], generation=False)
            out += split_specials(_after(done, prompt, number - 1), self.known)
            out += self._answer(_after(prompt, whole, number), message["content"], number)
            done = whole
        if generation:
            prompt = self.render(messages, generation=True)
            out += split_specials(_after(done, prompt, len(messages)), self.known)
            done = prompt
        _check_all_written(messages, done)
        return merge(out)

    def end_of_turn(self) -> str:
        """The special token that ends an answer; empty when there is none or the template cannot be used."""
        try:
            prompt = self.render([*_PROBE[:1]], generation=True)
            rest = _after(prompt, self.render([*_PROBE], generation=False), 2).partition("answer")[2]
        except (CannotCarry, ModelError):
            return ""
        return find_any(rest, self.known)

    def _answer(self, written: str, answer: str, number: int) -> list[Segment]:
        """Train up to and with the first special token behind the answer's text; what follows is layout."""
        start = written.find(answer.strip())
        if start < 0:
            raise _changed(number)
        behind = start + len(answer.strip())
        end = find_any(written[behind:], self.known)
        cut = written.index(end, behind) + len(end) if end else len(written)
        return [*split_specials(written[:cut], self.known, True), *split_specials(written[cut:], self.known)]


def _after(start: str, whole: str, number: int) -> str:
    """What `whole` adds to `start`."""
    if whole.startswith(start):
        return whole[len(start) :]
    raise CannotCarry(
        f"model cannot carry message {number}: the chat template rewrites what came before it, so the prompt at "
        "generation would differ from the text in training.",
        _OTHER,
    )


def _check_all_written(messages: list[dict[str, str]], text: str) -> None:
    for number, message in enumerate(messages, start=1):
        if message["content"].strip() not in text:
            raise _changed(number)


def _changed(number: int) -> CannotCarry:
    return CannotCarry(
        f"model cannot carry message {number}: the chat template leaves it out or changes its text.", _OTHER
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
