"""render and parse: filters from standard input to standard output."""

from __future__ import annotations

import json as jsonlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from lib import models
from lib.errors import BadInput, StudioError
from lib.formats import ModelTokenizer, get_template, load_tokenizer, parse_any, render_text
from lib.formats import parse as parse_text
from lib.formats.unroll import unroll as unrolled
from lib.records import Conversation
from lib.words import counted
from studio.commands.output import AsJson, emit, say

Row = dict[str, Any]
Model = Annotated[str | None, typer.Option(help="Model whose special tokens the text has.")]
KeepGood = Annotated[bool, typer.Option("--keep-good", help="Leave out the lines that cannot be used; name them.")]


def register(app: typer.Typer) -> None:
    app.command("render")(render)
    app.command("parse")(parse)


def render(
    template: Annotated[str, typer.Option(help="Template to render with.")],
    tokenizer: Model = None,
    escape: Annotated[
        bool, typer.Option("--escape", help="Write the template's marks inside messages with a backslash.")
    ] = False,
    unroll: Annotated[
        bool, typer.Option("--unroll", help="One text for each answer, for templates of one question and answer.")
    ] = False,
    keep_good: KeepGood = False,
    json: AsJson = False,
) -> None:
    """Conversations in, {"text": …} out, a line each."""
    chosen = get_template(template)
    if unroll and not chosen.one_pair:
        raise BadInput(f"{template} carries conversations of several turns as they are.", "Leave --unroll out.")
    loaded = _tokenizer(tokenizer)
    rows = Counter[str]()

    def each(line: Any) -> Iterator[Row]:
        conversation = Conversation.from_dict(line)
        single = unrolled(conversation, chosen.joint) if unroll else [conversation]
        texts = [_text(one, template, loaded, escape) for one in single]
        rows.update(conversations=1, texts=len(texts))
        return ({"text": text, **conversation.extra} for text in texts)

    refused = _filter(each, json, keep_good)
    if keep_good:
        say(f"{template} {rows['texts']:,} · refused {refused:,}")
    if unroll:
        say(
            f"{counted(rows['conversations'], 'conversation')} became {counted(rows['texts'], 'text')}; "
            "earlier turns are not carried."
        )


def _text(conversation: Conversation, template: str, tokenizer: ModelTokenizer | None, escape: bool) -> str:
    is_open = conversation.messages[-1].role == "user"  # nothing to train on yet: the prompt as a model gets it
    return render_text(conversation, template, tokenizer, generation=is_open, escape=escape)


def parse(
    template: Annotated[str, typer.Option(help="Template that the text is in, or `auto` to recognise each line's.")],
    tokenizer: Model = None,
    escaped: Annotated[bool, typer.Option("--escaped", help="The text was rendered with --escape.")] = False,
    keep_good: KeepGood = False,
    json: AsJson = False,
) -> None:
    """{"text": …} in, conversations out, a line each."""
    if template != "auto":
        get_template(template)
    loaded = _tokenizer(tokenizer)
    forms = Counter[str]()

    def each(line: Any) -> Iterator[Row]:
        if not isinstance(line, dict) or not isinstance(line.get("text"), str):
            raise BadInput("There is no text.", 'Give lines like {"text": "<s>[INST] … [/INST] … </s>"}.')
        text, form = line["text"], template
        if template == "auto":
            conversation, form = parse_any(text, loaded, escaped=escaped)
        else:
            conversation = parse_text(text, template, loaded, escaped=escaped)
        forms[form] += 1
        yield {**conversation.to_dict(), **{key: value for key, value in line.items() if key != "text"}}

    refused = _filter(each, json, keep_good)
    if template == "auto" or keep_good:
        found = forms.most_common() + ([("refused", refused)] if refused else [])
        say(" · ".join(f"{form} {lines:,}" for form, lines in found) or "no lines")


def _tokenizer(model: str | None) -> ModelTokenizer | None:
    return load_tokenizer(models.find(model).path) if model else None


def _filter(each: Callable[[Any], Iterator[Row]], as_json: bool, keep_good: bool = False) -> int:
    """Apply `each` to every line of standard input; returns how many lines failed.

    The first that fails ends the command, unless `keep_good`: then it is named and left out.
    """
    refused = 0

    def results() -> Iterator[Row]:
        nonlocal refused
        for number, raw in enumerate(sys.stdin.buffer, start=1):
            try:
                yield from _line(number, raw, each)
            except BadInput as error:
                if not keep_good:
                    raise
                refused += 1
                say(error.message)

    if as_json:
        emit(list(results()))
        return refused
    for result in results():
        sys.stdout.write(jsonlib.dumps(result, ensure_ascii=False) + "\n")
    return refused


def _line(number: int, raw: bytes, each: Callable[[Any], Iterator[Row]]) -> list[Row]:
    """The results of one line, none for a blank one.

    Raises:
        BadInput: it cannot be used; names the line.
    """
    if not raw.strip():
        return []
    try:
        return list(each(jsonlib.loads(raw)))
    except ValueError as error:
        raise BadInput(f"Line {number} is not JSON: {error}.", "Give one JSON object a line.") from error
    except StudioError as error:
        raise BadInput(f"Line {number}: {error.message}", error.hint) from error
