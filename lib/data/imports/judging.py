"""Tells the good rows of a batch from the others: those that read as a conversation and have a known split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lib.data.mapping.reading import is_rendered, question_of, question_reader, read_rendered
from lib.data.mapping.roles import Mapping
from lib.data.sources.items import Batch, Refusal, Row, refusal
from lib.data.splits.hashed import is_test, question_key, split_named
from lib.errors import BadInput


@dataclass(frozen=True, slots=True)
class Judged:
    """Good rows with their question keys and splits, and all refusals of the batch in the order of the file.

    `forms` counts the good rows of rendered text by the template they are in.
    """

    rows: list[Row]
    keys: list[int]
    splits: list[str]
    refusals: list[Refusal]
    forms: Counter[str] = field(default_factory=Counter)


class Judge:
    """Judges by a mapping; where no column of it says the split, `fraction` (0 to 1) of the questions are held out."""

    def __init__(self, mapping: Mapping, fraction: float) -> None:
        self._mapping = mapping
        self._columns = mapping.columns
        self._fraction = fraction
        self._split = mapping["split"]
        self._question = question_reader(mapping)
        self._simple = self._columns.keys() <= {"user", "assistant", "context", "rejected"}

    def __call__(self, batch: Batch, file: str) -> Judged:
        """`file` is named in refusals."""
        keys = self._keys(batch.rows) if self._simple else None
        if keys is None:
            return self._one_by_one(batch, file)
        return Judged(batch.rows, keys, [self._side(key) for key in keys], batch.refusals)

    def _side(self, key: int) -> str:
        return "test" if is_test(key, self._fraction) else "train"

    def _keys(self, rows: list[Row]) -> list[int] | None:
        """Keys of rows of which nothing but plain text is read, nearly all there are; None: some are others."""
        users: list[Any]
        users, answers = ([row.get(self._columns[role]) for row in rows] for role in ("user", "assistant"))
        if not set(map(type, users)) == set(map(type, answers)) == {str}:
            return None
        if "context" not in self._columns:
            return list(map(question_key, users))
        contexts: list[Any] = [row.get(self._columns["context"]) or "" for row in rows]
        return list(map(question_key, users, contexts)) if set(map(type, contexts)) == {str} else None

    def _one_by_one(self, batch: Batch, file: str) -> Judged:
        judged = Judged([], [], [], list(batch.refusals))
        for number, row in zip(batch.numbers, batch.rows, strict=True):
            try:
                form = ""
                mapping = self._mapping.of_row(row)
                if is_rendered(mapping):
                    conversation, form = read_rendered(row, mapping)
                    question = question_of(conversation)
                else:
                    question = self._question(row)
                key = question_key(*question)
                split = split_named(row.get(self._split)) if self._split else self._side(key)
            except BadInput as error:
                judged.refusals.append(refusal(number, error.message, row, file))
                continue
            if form:
                judged.forms[form] += 1
            judged.rows.append(row)
            judged.keys.append(key)
            judged.splits.append(split)
        judged.refusals.sort(key=lambda refused: refused.row)
        return judged
