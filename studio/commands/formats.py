"""render and parse: filters from standard input to standard output."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from lib import models
from lib.errors import BadInput, StudioError
from lib.formats import get_template, load_tokenizer, parse_any, render_text
from lib.formats import parse as parse_text
from lib.records import Conversation
from studio.commands.output import AsJson, emit


def register(app: typer.Typer) -> None:
    app.command("render")(render)
    app.command("parse")(parse)


def render(
    template: Annotated[str, typer.Option(help="Template to render with.")],
    tokenizer: Annotated[str | None, typer.Option(help="Model whose special tokens to use.")] = None,
    json: AsJson = False,
) -> None:
    """Conversations in, {"text": …} out, a line each."""
    get_template(template)
    loaded = load_tokenizer(models.find(tokenizer).path) if tokenizer else None

    def one(line: Any) -> dict[str, Any]:
        conversation = Conversation.from_dict(line)
        is_open = conversation.messages[-1].role == "user"  # nothing to train on yet: the prompt as a model gets it
        return {"text": render_text(conversation, template, loaded, generation=is_open), **conversation.extra}

    _filter(one, json)


def parse(
    template: Annotated[str, typer.Option(help="Template that the text is in, or `auto` to recognise each line's.")],
    json: AsJson = False,
) -> None:
    """{"text": …} in, conversations out, a line each."""
    if template != "auto":
        get_template(template)

    def one(line: Any) -> dict[str, Any]:
        if not isinstance(line, dict) or not isinstance(line.get("text"), str):
            raise BadInput("There is no text.", 'Give lines like {"text": "<s>[INST] … [/INST] … </s>"}.')
        text = line["text"]
        conversation = parse_any(text)[0] if template == "auto" else parse_text(text, template)
        return {**conversation.to_dict(), **{key: value for key, value in line.items() if key != "text"}}

    _filter(one, json)


def _filter(one: Callable[[Any], dict[str, Any]], as_json: bool) -> None:
    """Apply `one` to each line of standard input; a line that fails ends the command and is named."""
    results = _results(one)
    if as_json:
        emit(list(results))
        return
    for result in results:
        sys.stdout.write(jsonlib.dumps(result, ensure_ascii=False) + "\n")


def _results(one: Callable[[Any], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        if not raw.strip():
            continue
        try:
            yield one(jsonlib.loads(raw))
        except ValueError as error:
            raise BadInput(f"Line {number} is not JSON: {error}.", "Give one JSON object a line.") from error
        except StudioError as error:
            raise BadInput(f"Line {number}: {error.message}", error.hint) from error
