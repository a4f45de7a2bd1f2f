"""What lies in a comparison's folder, and how it is read and written.

start.json      hashes of all that takes part, and what was left out: written before anything is asked
questions.jsonl what is asked, as it was then
leaks.json      which questions each run was trained on
outputs.jsonl   appended as they come: a line an answer (row_id, side, repeat, text, ended, tokens, prompt_tokens), a
                loss (row_id, side, nats, ref_tokens), or a proof that an adapter changes what its base says (run,
                differs)
outputs.parquet the answers that all sides gave, a row a question; result.json last
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from lib import duck
from lib.data.datasets import quoted
from lib.errors import StorageError
from lib.storage import comparison_dir, disk_errors, sync_path

START, QUESTIONS, LEAKS = "start.json", "questions.jsonl", "leaks.json"
LINES, TABLE, RESULT = "outputs.jsonl", "outputs.parquet", "result.json"
Key = tuple[int, str, int]
"""Row id, side, repeat."""


class Records:
    """The lines of outputs.jsonl that are there, and the file to append to. A line cut off by a kill is dropped."""

    def __init__(self, path: Path) -> None:
        self.answers: dict[Key, dict[str, Any]] = {}
        self.losses: dict[tuple[int, str], dict[str, Any]] = {}
        self.proofs: dict[str, bool] = {}
        """run -> whether the logits of its base change with its adapter."""
        self._path = path
        with disk_errors(path):
            whole = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
            self._file = path.open("ab")
            self._file.truncate(len(whole[0] + whole[1]))
        for line in whole[0].splitlines():
            self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        if "text" in line:
            self.answers[line["row_id"], line["side"], line["repeat"]] = line
        elif "run" in line:
            self.proofs[line["run"]] = line["differs"]
        else:
            self.losses[line["row_id"], line["side"]] = line

    def add(self, line: dict[str, Any]) -> None:
        """Append a line; it is with the operating system at once, on the disk with the next `sync`."""
        self._take(line)
        with disk_errors(self._path):
            self._file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            self._file.flush()

    def sync(self) -> None:
        with disk_errors(self._path):
            sync_path(self._path)

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_questions(comparison: int) -> Iterator[dict[str, Any]]:
    """What is asked: row_id, messages up to the answer, reference. Nothing before the job has begun."""
    path = comparison_dir(comparison) / QUESTIONS
    if path.exists():
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def has_outputs(comparison: int) -> bool:
    return (comparison_dir(comparison) / TABLE).exists()


def column_names(comparison: int) -> list[str]:
    return [row["column_name"] for row in query(comparison, "DESCRIBE SELECT * FROM outputs")]


def columns(comparison: int, names: Sequence[str]) -> dict[str, list[Any]]:
    """Some columns of the outputs, in order of the row ids; those that are not there are left out."""
    there = set(column_names(comparison))
    wanted = [name for name in names if name in there]
    listed = ", ".join(quoted(name) for name in wanted) or "1"
    rows = query(comparison, f"SELECT {listed} FROM outputs ORDER BY row_id")
    return {name: [row[name] for row in rows] for name in wanted}


def query(comparison: int, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
    """Rows of a query on `outputs`.

    Raises:
        StorageError: the stored answers are missing or damaged.
    """
    path = comparison_dir(comparison) / TABLE
    try:
        with duck.connect() as connection:
            connection.from_parquet(str(path)).create_view("outputs")
            found = connection.execute(statement, values)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        raise StorageError(
            f"The answers of comparison {comparison} cannot be read.", "Restore its folder, or resume the comparison."
        ) from error
