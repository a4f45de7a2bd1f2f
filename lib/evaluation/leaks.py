"""Questions of a comparison that a run was trained on: the same row, the same question, or nearly the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.data import datasets
from lib.data.splits.leakage import KINDS, report
from lib.errors import StudioError
from lib.evaluation.comparing.files import LEAKS
from lib.evaluation.comparing.questions import Question
from lib.evaluation.sides import Side
from lib.progress import Progress
from lib.records import Conversation
from lib.storage import read_json, write_json
from lib.training import runs

THRESHOLD = 0.8
"""Share of equal words from which on two rows are nearly the same (Jaccard), as in checks and splits."""


@dataclass(frozen=True)
class Leaks:
    """`runs`: run -> kind -> ids of the questions that it was trained on. `unknown`: run -> why it cannot be told."""

    runs: dict[str, dict[str, list[int]]]
    unknown: dict[str, str]

    @property
    def rows(self) -> frozenset[int]:
        """Questions that any of the runs was trained on."""
        return frozenset(row for kinds in self.runs.values() for rows in kinds.values() for row in rows)

    def counts(self) -> dict[str, dict[str, int]]:
        return {run: {kind: len(rows) for kind, rows in kinds.items()} for run, kinds in self.runs.items()}

    def to_dict(self) -> dict[str, Any]:
        return {"runs": self.runs, "unknown": self.unknown}


def find(sides: Sequence[Side], questions: Sequence[Question], folder: Path, progress: Progress) -> Leaks:
    """The leaks of all runs; kept in the folder, so that a comparison taken up again has them.

    `progress` is told the rows read; what it raises ends the work.
    """
    path = folder / LEAKS
    if path.exists():
        return Leaks(**read_json(path))
    found: dict[str, dict[str, list[int]]] = {}
    unknown: dict[str, str] = {}
    by_data: dict[str, dict[str, list[int]]] = {}
    for run in dict.fromkeys(side.run for side in sides if side.run):
        data = runs.get(run).data_ref
        try:
            if data not in by_data:
                by_data[data] = _in_data(data, questions, progress)
            found[run] = by_data[data]
        except StudioError as error:
            unknown[run] = error.message if data else "it was trained elsewhere, on data that is not known here"
    leaks = Leaks(found, unknown)
    write_json(path, leaks.to_dict())
    return leaks


def _in_data(data: str, questions: Sequence[Question], progress: Progress) -> dict[str, list[int]]:
    """Raises:
    StudioError: the data is gone or damaged.
    """
    found = report(_trained(data), ((one.row_id, _row(one)) for one in questions), THRESHOLD, progress)
    return {kind: list(found.right[kind]) for kind in KINDS}


def _trained(data: str) -> Iterator[tuple[int, Conversation]]:
    """The rows that a run on this version could learn from."""
    info = datasets.get(data)
    yield from datasets.conversations(info, "train", without=datasets.rejected(info))


def _row(question: Question) -> Conversation:
    return question.whole if question.reference else question.prompt
