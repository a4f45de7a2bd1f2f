"""Prompts from a file: a line of text each, or rows of CSV, JSON Lines and whatever else a dataset is imported from.

    read_prompts(Path("prompts.csv")).prompts     -> [([{"role": "user", "content": …}], "the reference"), …]

Rows are read as an import reads them; a column of questions alone is enough here, as no answer has to be known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib.data.imports.inspection import take_sample
from lib.data.imports.refusals import reason_kind
from lib.data.mapping.reading import read_conversation
from lib.data.mapping.recognise import QUESTIONS
from lib.data.mapping.roles import Mapping
from lib.data.sources.items import Refusal
from lib.data.sources.source import open_source
from lib.errors import BadInput, NotFound, StorageError

SAMPLE_ROWS = 200
MOST_PROMPTS = 100_000  # a larger file is a dataset: its rows belong into files, not into the database
TEXT = (".txt", ".text")
REFERENCES = ("reference", "references", "expected", "expectedanswer", "expectedoutput", "target", "ideal", "gold")
Prompt = tuple[list[dict[str, str]], str]
"""Messages up to the answer, and the reference; empty where there is none."""


@dataclass
class PromptsRead:
    """What a file holds. `refused`: rows that are no prompt, by reason; `first` says which was the first."""

    prompts: list[Prompt] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    first: str = ""


def read_prompts(path: Path, mapping: Mapping | None = None) -> PromptsRead:
    """Every prompt of a file; rows that hold none are counted by reason.

    Raises:
        NotFound: no such file.
        BadInput: the file cannot be read, no column holds questions, none of its rows is a prompt, or too many are.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", "Give a file of prompts: .txt, .csv, .jsonl and others.")
    read = PromptsRead()
    for place, one in _lines(path) if path.suffix.lower() in TEXT else _rows(path, mapping):
        if isinstance(one, str):
            read.refused[reason_kind(one)] += 1
            read.first = read.first or f"{place}: {one}"
        else:
            read.prompts.append(one)
        if len(read.prompts) > MOST_PROMPTS:
            raise BadInput(f"{path.name} has more than {MOST_PROMPTS:,} prompts.", "Import it as a dataset instead.")
    if not read.prompts:
        told = f"; {read.first}" if read.first else ""
        raise BadInput(f"{path.name} holds no prompt{told}.", "Write a question a line, or name the columns.")
    return read


def _lines(path: Path) -> Iterator[tuple[str, Prompt | str]]:
    """A prompt a line; empty ones are passed over."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} is not UTF-8 text.", "Save it as UTF-8.") from error
    except OSError as error:
        raise StorageError(f"{path.name} cannot be read ({error.strerror}).", "Check its permissions.") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"line {number}", ([{"role": "user", "content": line.strip()}], "")


def _rows(path: Path, mapping: Mapping | None) -> Iterator[tuple[str, Prompt | str]]:
    known, reference = _columns(path, mapping)
    for item in open_source(str(path)).rows():
        if isinstance(item, Refusal):
            yield item.place, item.reason
            continue
        number, row = item
        try:
            yield f"row {number}", _prompt(row, known, reference)
        except BadInput as error:
            yield f"row {number}", error.message.rstrip(".")


def _columns(path: Path, mapping: Mapping | None) -> tuple[Mapping, str]:
    """How rows are read, and the column of references where reading them as conversations does not give it."""
    sample = take_sample(open_source(str(path)), SAMPLE_ROWS)
    names = {re.sub(r"[\W_]+", "", column.lower()): column for column in reversed(sample.columns)}
    reference = next((names[name] for name in REFERENCES if name in names), "")
    if mapping and set(mapping.columns) == {"user"}:
        return mapping, reference
    if found := sample.recognise(mapping).mapping:
        return found, reference
    question = next((names[name] for name in QUESTIONS if name in names), None)
    if question is None and len(sample.columns) == 1:
        question = sample.columns[0]
    if question is None:
        listed = ", ".join(sample.columns[:20]) or "none"
        raise BadInput(f"No column of {path.name} is known to hold questions.", f"Call one `prompt`. It has: {listed}.")
    return Mapping({"user": question}), reference


def _prompt(row: dict[str, Any], mapping: Mapping, reference: str) -> Prompt:
    """Raises:
    BadInput: it holds no question; the message is the reason.
    """
    messages, answer = _asked(row, mapping)
    if not any(message["content"].strip() or message.get("context", "").strip() for message in messages):
        raise BadInput("it asks nothing")
    known = row.get(reference) if reference and not answer else answer
    return messages, known if isinstance(known, str) else ""


def _asked(row: dict[str, Any], mapping: Mapping) -> tuple[list[dict[str, str]], str]:
    if set(mapping.columns) == {"user"}:
        value = row.get(mapping.columns["user"])
        if not isinstance(value, str):
            raise BadInput(f"{mapping.columns['user']} holds no text")
        return [{"role": "user", "content": value}], ""
    conversation = read_conversation(row, mapping)
    messages: Sequence[Any] = conversation.messages
    asked = messages[:-1] if messages[-1].role == "assistant" else messages
    return [message.to_dict() for message in asked], conversation.answer()
