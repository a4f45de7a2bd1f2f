"""The stored answers of a comparison, as far as a vote needs them. Nothing is generated while people vote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from lib import duck
from lib.data.datasets import quoted
from lib.errors import StorageError
from lib.storage import comparison_dir

TEXT, ENDED = "text|", "ended|"


@dataclass(frozen=True, slots=True)
class Answers:
    """One question and what the two sides answered."""

    row_id: int
    prompt: str
    base: str
    tuned: str


@dataclass(frozen=True, slots=True)
class Usable:
    """The rows that can be voted on, and those that cannot: the `same` text twice leaves nothing to choose, `leaked`
    ones were in a run's training data."""

    rows: tuple[int, ...]
    same: tuple[int, ...]
    leaked: tuple[int, ...]


def sides(comparison: int) -> list[str]:
    """The models whose answers are stored, the base first; none while nothing is."""
    return [name.removeprefix(TEXT) for name in _columns(comparison) if name.startswith(TEXT)]


def usable(comparison: int, base: str, tuned: str) -> Usable:
    """Which rows of a comparison can be voted on.

    Raises:
        StorageError: the outputs are gone or damaged.
    """
    leaked = '"leaked"' if "leaked" in _columns(comparison) else "NULL"
    rows: list[int] = []
    same: list[int] = []
    leaks: list[int] = []
    for row_id, one, other, leak in _query(
        comparison, f"row_id, {quoted(TEXT + base)}, {quoted(TEXT + tuned)}, {leaked}", "ORDER BY row_id"
    ):
        place = leaks if leak else same if one == other else rows
        place.append(int(row_id))
    return Usable(tuple(rows), tuple(same), tuple(leaks))


def answers(comparison: int, base: str, tuned: str, rows: Sequence[int]) -> dict[int, Answers]:
    """The stored texts of some rows, by row id.

    Raises:
        StorageError: the outputs are gone or damaged, or a row is not among them.
    """
    columns = f"row_id, prompt, {quoted(TEXT + base)}, {quoted(TEXT + tuned)}"
    found = {
        int(row[0]): Answers(int(row[0]), *(text or "" for text in row[1:]))
        for row in _query(comparison, columns, "WHERE row_id IN (SELECT unnest(?::BIGINT[]))", [list(rows)])
    }
    for row_id in rows:
        if row_id not in found:
            raise StorageError(
                f"Comparison {comparison} has no stored answers to row {row_id}.",
                "Its folder was changed since the vote began; restore it from a backup.",
            )
    return found


def cut(comparison: int, base: str, tuned: str, rows: Sequence[int]) -> tuple[int, int] | None:
    """How many answers of each side to some rows were cut at the length limit; None where that was not kept.

    Raises:
        StorageError: the outputs are gone or damaged.
    """
    wanted = [ENDED + base, ENDED + tuned]
    if not set(wanted) <= set(_columns(comparison)):
        return None
    counts = ", ".join(f"count(*) FILTER ({quoted(name)} = 'length')" for name in wanted)
    ((of_base, of_tuned),) = _query(comparison, counts, "WHERE row_id IN (SELECT unnest(?::BIGINT[]))", [list(rows)])
    return int(of_base), int(of_tuned)


def messages(comparison: int) -> Mapping[int, list[dict[str, str]]]:
    """The conversations that were asked, by row id, as role and content; empty where they were not kept."""
    path = comparison_dir(comparison) / "questions.jsonl"
    if not path.exists():
        return {}
    asked: dict[int, list[dict[str, str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            turns = [_turn(message) for message in row["messages"]]
            asked[int(row["row_id"])] = turns[:-1] if turns[-1]["role"] == "assistant" else turns
        except (ValueError, LookupError, TypeError):  # a line cut off: that row is written from its prompt
            continue
    return asked


def _turn(message: Mapping[str, str]) -> dict[str, str]:
    """A message as trainers read it: without a field for the context, which follows the request."""
    context = message.get("context")
    return {
        "role": message["role"],
        "content": f"{message['content']}\n\n{context}" if context else message["content"],
    }


def _columns(comparison: int) -> list[str]:
    if not _path(comparison).exists():
        return []
    return [name for name, *_ in _run("DESCRIBE SELECT * FROM read_parquet(?)", [str(_path(comparison))])]


def _query(comparison: int, columns: str, rest: str, values: Sequence[Any] = ()) -> list[Any]:
    return _run(f"SELECT {columns} FROM read_parquet(?) {rest}", [str(_path(comparison)), *values])


def _run(statement: str, values: Sequence[Any]) -> list[Any]:
    try:
        with duck.connect() as connection:
            return connection.execute(statement, values).fetchall()
    except duckdb.Error as error:
        raise StorageError(
            f"The stored answers cannot be read: {str(error).splitlines()[0]}",
            "Restore the comparison's folder from a backup.",
        ) from error


def _path(comparison: int) -> Path:
    return comparison_dir(comparison) / "outputs.parquet"
