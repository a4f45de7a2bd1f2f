"""ask: one question to runs and models, as the Playground asks it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from lib.errors import BadInput, NotFound, StudioError
from lib.evaluation import sides
from lib.evaluation.sides import Side
from lib.inference.client import Ask
from lib.inference.client import ask as stream
from lib.inference.talk import Answer, Talk
from lib.jobs import worker
from lib.training import runs
from studio.commands.output import AsJson, emit, say


def register(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    question: Annotated[str, typer.Argument(help="What is asked; - reads it from standard input.")],
    who: Annotated[list[str], typer.Argument(help="Runs and models; MODEL=TEMPLATE names the template.")],
    base: Annotated[bool, typer.Option("--base", help="The base of the first run too.")] = False,
    system: Annotated[str, typer.Option(help="A system prompt.")] = "",
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 128,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest token.", min=0, max=5)] = 0.0,
    top_p: Annotated[float, typer.Option(help="Draw from the likeliest tokens of this share.", min=0.01, max=1)] = 1.0,
    seed: Annotated[int, typer.Option(help="Of what is drawn.", min=0)] = 0,
    json: AsJson = False,
) -> None:
    """Ask one question, each side in its own template. The engine that answers stays for a while, for the next one."""
    text = sys.stdin.read().strip() if question == "-" else question.strip()
    if not text:
        raise BadInput("There is no question.", "Write it as the first argument, or - to read it from standard input.")
    asked = _sides(who, base)
    talk = Talk(system=system).asked(text)
    sampling = {"max_new_tokens": max_new_tokens, "temperature": temperature, "top_p": top_p, "seed": seed}
    panes = [{**side.to_dict(), "messages": talk.messages(side.name)} for side in asked]
    worker.ensure()
    answers = _followed(Ask(panes, sampling))
    if json:
        emit({"question": text, "system": system, "answers": list(map(_document, asked, answers))})
    else:
        _show(asked, answers)
    if any(answer.ended == "refused" for answer in answers):
        raise typer.Exit(1)


def _sides(who: Sequence[str], base: bool) -> list[Side]:
    found = [_side(one) for one in who]
    tuned = next((side for side in found if side.run), None)
    if base and tuned is None:
        raise BadInput("--base is the base of a run, and none is named.", "Name a run, or the model itself.")
    first = [sides.base_side(tuned)] if base and tuned else []
    return list(dict.fromkeys([*first, *found]))


def _side(name: str) -> Side:
    model, _, template = name.partition("=")
    if not template:
        try:
            return sides.run_side(runs.get(name).id)
        except NotFound:
            pass
    try:
        return sides.model_side(model, template)
    except NotFound as error:
        if template:
            raise
        raise NotFound(f"There is no run and no model {name}.", "`runs` and `models` list them.") from error


def _followed(question: Ask) -> list[Answer]:
    """The answers; what goes on meanwhile is said once."""
    answers: list[Answer] = []
    told = ""
    for answers in stream(question):
        notes = dict.fromkeys(answer.note for answer in answers if answer.note)
        line = ", ".join(notes)
        if line and line != told:
            say(line)
        told = line
    if not answers:
        raise StudioError("The engine said nothing.", "Ask again.")
    return answers


def _show(asked: Sequence[Side], answers: Sequence[Answer]) -> None:
    for side, answer in zip(asked, answers, strict=True):
        if len(asked) > 1:
            print(f"--- {side.name} ({side.template})")
        if answer.ended == "refused":
            say(f"Error: {side.name}: {answer.message}\n{answer.hint}")
        else:
            print(answer.text)
            cut = ", cut at the limit" if answer.ended == "length" else ""
            say(f"{side.name}: {answer.tokens} tokens, {answer.rate:.1f} a second{cut}")


def _document(side: Side, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"side": side.name, "run": side.run, "model": side.model, "template": side.template}
    if answer.ended == "refused":
        return {**found, "ended": answer.ended, "message": answer.message, "hint": answer.hint}
    counted = {"tokens": answer.tokens, "prompt_tokens": answer.prompt_tokens, "seconds": answer.seconds}
    return {**found, "ended": answer.ended, "text": answer.text, **counted}
