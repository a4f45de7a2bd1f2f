"""Every fault of a source that can be found before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import nodes

from lib.formats.jinja.environment import environment
from lib.formats.jinja.faults import Faulty, Refusal, TemplateFault
from lib.formats.jinja.names import set_names, unknown_names
from lib.formats.jinja.places import Source
from lib.formats.jinja.program import Program, did_you_mean
from lib.formats.jinja.source import parse

TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
GIVEN = ("messages", "add_generation_prompt", *TOKENS, "additional_special_tokens", "tools", "documents")
"""What a template is given, besides functions."""

_NAMES: dict[str, Any] = {
    **dict.fromkeys(TOKENS, "<token>"),
    "additional_special_tokens": [],
    "tools": None,
    "documents": None,
}
_QUESTION = {"role": "user", "content": "question"}
_ANSWER = {"role": "assistant", "content": "answer"}
_SYSTEM = {"role": "system", "content": "instructions"}


def check_source(source: str) -> list[TemplateFault]:
    """The faults of a template that somebody wrote here, in the order of the source; empty when it can be used.

    Read first; then names that nobody gives it; then it is run on a question and an answer. Never raises.
    """
    try:
        text = Source(environment(strict=True), source)
        tree = parse(text)
        program = Program.of(source, strict=True)
        faults = list(_unknown_names(text, tree)) or _failures(program)
    except Faulty as error:
        faults = [error.fault]
    except Exception as error:  # Whatever people write: they need an answer.
        faults = [TemplateFault(f"this cannot be read ({type(error).__name__})", 1, 1)]
    return sorted(set(faults), key=lambda fault: (fault.line, fault.column))


def _unknown_names(source: Source, tree: nodes.Template) -> Iterator[TemplateFault]:
    known, made = [*GIVEN, *source.environment.globals], set_names(tree)
    for node in unknown_names(tree, known):
        name = (node.name,)
        if node.name in made:
            message = f"`{node.name}` is not known here: what is set inside a block such as `for` is gone behind it"
            yield TemplateFault(message, *source.find(node.lineno, name, last=True))
        else:
            hint = did_you_mean(node.name, [*known, *sorted(made)])
            yield TemplateFault(f"`{node.name}` is not known{hint}", *source.find(node.lineno, name))


def _failures(program: Program) -> list[TemplateFault]:
    """What goes wrong when the template runs."""
    try:
        prompt = program.write([_QUESTION], _NAMES, generation=True)
        whole = program.write([_QUESTION, _ANSWER], _NAMES, generation=False, mark=True)
    except Refusal as refusal:
        return [TemplateFault(f"a question and an answer are refused: {refusal}", *program.place_of("raise_exception"))]
    except Faulty as error:
        return [error.fault]
    if whole.text.startswith(prompt.text) and any(prompt.text[start:end].strip() for start, end in whole.trained):
        message = "the trained part begins inside the prompt, before the end of what add_generation_prompt writes"
        return [TemplateFault(message, *program.place_of("generation"))]
    try:
        program.write([_SYSTEM, _QUESTION, _ANSWER, _QUESTION, _ANSWER], _NAMES, generation=False)
    except Refusal:  # not every template has a place for these
        return []
    except Faulty as error:
        return [error.fault]
    return []
