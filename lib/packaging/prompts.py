"""The prompts on which a merged model and its adapter are compared: rows that the run held out, else learned."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from lib.data import datasets
from lib.errors import StudioError
from lib.formats import ModelTokenizer, render
from lib.formats.context import join
from lib.records import Conversation, Message
from lib.training.rows import held_out
from lib.training.runs import RunView

COUNT = 16
LOOKED_AT = 2000
GENERAL = (
    "What is the capital of France?",
    "Name three colours.",
    "Write a short poem about rain.",
    "Who wrote Hamlet?",
    "Explain gravity to a child.",
    "What is 12 times 12?",
    "List the planets.",
    "Give a recipe for bread.",
    "How are you today?",
    "What is a verb?",
    "Tell me a joke.",
    "Why is the sky blue?",
    "Summarise: the dog ran after the ball.",
    "What is Python used for?",
    "Translate 'good morning' into Spanish.",
    "What should I pack for a week at the sea?",
)


@dataclass(frozen=True)
class Prompts:
    """`ids`: one list of token ids a prompt. `chats`: the same as messages, an input being part of its text."""

    ids: list[list[int]]
    chats: list[list[dict[str, str]]]
    source: str
    """Where they come from, in words."""


def prompts_of(view: RunView, tokenizer: ModelTokenizer, longest: int, count: int = COUNT) -> Prompts:
    """The same ones whenever the run is packaged; those of more than `longest` tokens are passed over.

    Raises:
        CannotCarry: the run's template cannot carry a single one.
        StudioError: none fits.
    """
    chosen: list[tuple[list[int], list[dict[str, str]]]] = []
    sources = []
    for source, conversations in _sources(view):
        fitting = list(_fitting(view, tokenizer, longest, conversations))
        taken = random.Random(0).sample(fitting, min(count - len(chosen), len(fitting)))
        chosen += taken
        sources += [f"{len(taken)} {source}"] if taken else []
        if len(chosen) == count:
            break
    if not chosen:
        render(Conversation((Message("user", GENERAL[0]),)), view.renderer, tokenizer, generation=True)
        raise StudioError("No prompt of the run fits the model's context.", "Take a base of a longer context.")
    return Prompts([ids for ids, _ in chosen], [chat for _, chat in chosen], ", ".join(sources))


def _fitting(
    view: RunView, tokenizer: ModelTokenizer, longest: int, conversations: Iterator[Conversation]
) -> Iterator[tuple[list[int], list[dict[str, str]]]]:
    for conversation in conversations:
        try:
            segments = render(conversation, view.renderer, tokenizer, generation=True, escape=view.config.escape_tags)
        except StudioError:
            continue
        ids = tokenizer.tokenize(segments).ids
        if len(ids) <= longest:
            yield ids, _chat(conversation.prompt())


def _sources(view: RunView) -> Iterator[tuple[str, Iterator[Conversation]]]:
    try:
        info = datasets.get(view.data_ref)
        names = list(dict.fromkeys([held_out(info, view.config), "train"]))
    except StudioError:  # adopted, or its data set is gone
        names = []
    for split in names:
        if info.splits.get(split):
            rows = (conversation for _, conversation in datasets.conversations(info, split=split))
            yield f"rows of {view.data_ref} {split}", _first(rows)
    general = (Conversation((Message("user", text),)) for text in GENERAL)
    yield "general questions", general


def _first(rows: Iterator[Conversation]) -> Iterator[Conversation]:
    for number, row in enumerate(rows):
        if number == LOOKED_AT:
            return
        yield row


def _chat(conversation: Conversation) -> list[dict[str, str]]:
    return [
        {"role": message.role, "content": join(message.content, message.context)} for message in conversation.messages
    ]
