"""Prompt sets: questions kept under a name, to be asked again. Made with their first prompt, gone with their last.

add("smoke", [{"role": "user", "content": "Hi?"}], user="ann")
add_file(Path("prompts.csv"), "smoke", "ann")
keep("smoke", messages, "", {"run": "gentle-otter", "answer": "…", "judged": "bad"}, "ann")
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from lib.data.imports.importer import TEST_FRACTION, ImportReport, import_source
from lib.data.mapping.roles import Mapping as Roles
from lib.database import Comparison, Prompt, note, session
from lib.errors import BadInput, NotFound
from lib.evaluation.prompt_files import read_prompts
from lib.records import Conversation
from lib.storage import check_name, suggest_name
from lib.words import counted, moment

Messages = Sequence[Mapping[str, Any]]
WHAT = "prompt set name"


@dataclass(frozen=True, slots=True)
class PromptSet:
    """`with_reference`: those whose right answer is known. Times are seconds since 1970, of the first prompt."""

    name: str
    prompts: int
    with_reference: int
    created_at: float
    created_by: str

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "created_at": moment(self.created_at)}


@dataclass(frozen=True, slots=True)
class PromptView:
    """One prompt. `messages`: the conversation up to the answer. `origin`: where it came from (see `Prompt`)."""

    id: int
    prompt_set: str
    messages: list[dict[str, str]]
    reference: str
    origin: dict[str, Any]
    created_at: float
    created_by: str

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "created_at": moment(self.created_at)}


@dataclass(frozen=True, slots=True)
class Added:
    """What came of a file. `refused`: rows that are no prompt, by reason; `first` says which was the first."""

    prompt_set: str
    added: int
    with_reference: int
    refused: dict[str, int]
    first: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def free_name(text: str) -> str:
    """A name like a text, such as a file's, that no prompt set has yet."""
    taken = {one.name for one in list_sets()}
    name, number = suggest_name(text), 1
    wanted = name
    while wanted in taken:
        number += 1
        wanted = f"{name[:60]}-{number}"
    return wanted


def list_sets() -> list[PromptSet]:
    """All prompt sets by name."""
    answered = func.count().filter(Prompt.reference != "")
    counts = select(Prompt.prompt_set, func.count(), answered, func.min(Prompt.id)).group_by(Prompt.prompt_set)
    with session() as opened:
        found = opened.execute(counts.order_by(Prompt.prompt_set)).all()
        firsts = {row.id: row for row in opened.scalars(select(Prompt).where(Prompt.id.in_([one[3] for one in found])))}
        return [
            PromptSet(name, prompts, references, firsts[first].created_at, firsts[first].created_by)
            for name, prompts, references, first in found
        ]


def get(name: str) -> PromptSet:
    """Raises:
    NotFound: no such prompt set.
    """
    known = list_sets()
    for one in known:
        if one.name == name:
            return one
    listed = ", ".join(one.name for one in known) or "none yet"
    raise NotFound(f"There is no prompt set {name!r}.", f"Prompt sets: {listed}.")


def prompts(name: str, limit: int | None = None, offset: int = 0) -> list[PromptView]:
    """The prompts of a set in the order in which they came.

    Raises:
        NotFound: no such prompt set.
    """
    get(name)
    wanted = select(Prompt).where(Prompt.prompt_set == name).order_by(Prompt.id).limit(limit).offset(offset)
    with session() as opened:
        return [_view(row) for row in opened.scalars(wanted)]


def add(
    name: str, messages: Messages, reference: str = "", origin: Mapping[str, Any] | None = None, user: str = ""
) -> PromptView:
    """Put a prompt into a set, which is made with its first one.

    Raises:
        BadInput: the name cannot be used, or the messages are no question.
    """
    return _add_many(name, [(messages, reference)], origin, user)[0]


def add_file(path: Path, name: str, user: str, mapping: Roles | None = None) -> Added:
    """Put all prompts of a file into a set, which is made where there is none; rows that hold none are named.

    Raises:
        NotFound, BadInput: see `read_prompts`; or the name cannot be used.
    """
    check_name(name, WHAT)
    read = read_prompts(path, mapping)
    _add_many(name, read.prompts, {"file": path.name}, user)
    note(user, f"added {counted(len(read.prompts), 'prompt')} of {path.name} to the prompt set {name}")
    known = sum(bool(reference.strip()) for _, reference in read.prompts)
    return Added(name, len(read.prompts), known, dict(read.refused), read.first)


def _add_many(
    name: str, wanted: Sequence[tuple[Messages, str]], origin: Mapping[str, Any] | None, user: str
) -> list[PromptView]:
    """`add` for many prompts, all or none."""
    rows = [_row(name, messages, reference, origin, user) for messages, reference in wanted]
    with session() as opened:
        opened.add_all(rows)
        opened.flush()
        return [_view(row) for row in rows]


def keep(prompt_set: str, messages: Messages, reference: str, origin: Mapping[str, Any], user: str) -> PromptView:
    """`add`, but where the set has the same question already, that one gets the new reference and origin.

    Raises:
        BadInput: see `add`.
    """
    row = _row(prompt_set, messages, reference, origin, user)
    with session() as opened:
        same = (one for one in opened.scalars(select(Prompt).where(Prompt.prompt_set == prompt_set)))
        known = next((one for one in same if one.messages == row.messages), None)
        if known is None:
            opened.add(row)
            opened.flush()
            return _view(row)
        known.reference, known.origin = row.reference or known.reference, row.origin
        return _view(known)


def remove(prompt_id: int, user: str) -> None:
    """Take one prompt away; comparisons that asked it keep it.

    Raises:
        NotFound: no such prompt.
    """
    with session() as opened:
        row = opened.get(Prompt, prompt_id)
        if row is None:
            raise NotFound(f"There is no prompt {prompt_id}.", "It may have been removed already; reload.")
        name = row.prompt_set
        opened.delete(row)
    note(user, f"removed a prompt of {name}")


def delete(name: str, user: str) -> None:
    """Delete a set with all its prompts; comparisons that asked them keep them.

    Raises:
        NotFound: no such prompt set.
    """
    found = get(name)
    with session() as opened:
        for row in opened.scalars(select(Prompt).where(Prompt.prompt_set == name)):
            opened.delete(row)
    note(user, f"deleted the prompt set {name} ({counted(found.prompts, 'prompt')})")


def rename(name: str, new: str, user: str) -> PromptSet:
    """Give a set another name, also where comparisons name it.

    Raises:
        NotFound: no such prompt set.
        BadInput: the new name cannot be used, or is taken.
    """
    get(name)
    check_name(new, WHAT)
    if any(one.name == new for one in list_sets()):
        raise BadInput(f"There is a prompt set {new} already.", "Choose another name.")
    with session() as opened:
        opened.execute(update(Prompt).where(Prompt.prompt_set == name).values(prompt_set=new))
        opened.execute(update(Comparison).where(Comparison.prompt_set == name).values(prompt_set=new))
    note(user, f"renamed the prompt set {name} to {new}")
    return get(new)


def to_dataset(name: str, dataset: str, user: str, test_fraction: float = TEST_FRACTION) -> ImportReport:
    """Import the prompts that have a reference as a version of a dataset.

    Raises:
        NotFound: no such prompt set.
        BadInput: none of its prompts has a reference, or the dataset's name cannot be used.
    """
    answered = [prompt for prompt in prompts(name) if prompt.reference.strip()]
    if not answered:
        raise BadInput(f"No prompt of {name} has a reference.", "Write the right answer to some of them first.")
    import orjson

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.jsonl"
        with path.open("wb") as file:
            for prompt in answered:
                messages = [*prompt.messages, {"role": "assistant", "content": prompt.reference}]
                file.write(orjson.dumps({"messages": messages}, option=orjson.OPT_APPEND_NEWLINE))
        return import_source(str(path), dataset, user=user, test_fraction=test_fraction)


def _row(name: str, messages: Messages, reference: str, origin: Mapping[str, Any] | None, user: str) -> Prompt:
    check_name(name, WHAT)
    conversation = Conversation.from_dict({"messages": list(messages)})
    if conversation.messages[-1].role == "assistant":
        raise BadInput("The prompt ends with an answer.", "Give the messages up to it, and the answer as reference.")
    if not any(message.content.strip() or message.context.strip() for message in conversation.messages):
        raise BadInput("The prompt is empty.", "Write a question.")
    kept = [message.to_dict() for message in conversation.messages]
    return Prompt(prompt_set=name, messages=kept, reference=reference, origin=dict(origin or {}), created_by=user)


def _view(row: Prompt) -> PromptView:
    return PromptView(
        row.id, row.prompt_set, list(row.messages), row.reference, dict(row.origin), row.created_at, row.created_by
    )
