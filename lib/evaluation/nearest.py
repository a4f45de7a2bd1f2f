"""The training rows that are most like a question: what a run may have learned its answer from.

    nearest(3, 17, "gentle-otter")     -> [NearRow(row_id=4123, data="medquad@1", similarity=0.61, …), …]

One pass of DuckDB counts, for each training row, the question's words that it has, rare ones for more; the best few are
then compared word by word. A million rows of 600 characters take a few seconds and little memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lib.data import datasets
from lib.data.columns import ROW_ID, SPLIT, STATUS, decode
from lib.data.datasets import DatasetInfo, quoted
from lib.data.mapping.reading import read_conversation
from lib.data.word_sets import similarity, word_set, words
from lib.errors import BadInput, NotFound
from lib.evaluation import comparisons
from lib.evaluation.comparing.questions import Question
from lib.records import Conversation
from lib.training import runs

MOST_WORDS = 12
"""Of the question: its longest, which are the rarest as a rule."""
CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class NearRow:
    """A training row. `similarity`: share of the words of both questions that they have in common, 0 to 1."""

    row_id: int
    data: str
    """`name@version`."""
    similarity: float
    question: str
    answer: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def nearest(comparison_id: int, row_id: int, run: str, k: int = 5) -> list[NearRow]:
    """The k rows that a run was trained on whose questions are most like one of a comparison, most similar first.

    Raises:
        NotFound: no such comparison, question or run, or the run's data is gone.
        BadInput: the run was made elsewhere: its data is not known.
    """
    question = _question(comparison_id, row_id)
    view = runs.get(run)
    if not view.data_ref:
        raise BadInput(f"{run} was trained elsewhere, on data that is not known here.", "Choose a run of the studio.")
    info = datasets.get(view.data_ref)
    asked = _asked(question.prompt)
    own, answer = word_set(asked), word_set(question.reference)
    scored = []
    for candidate, conversation in _read(info, _candidates(info, asked)):
        text = _asked(conversation.prompt()) if len(conversation.messages) > 1 else ""
        near = similarity(own, word_set(text))
        beside = similarity(answer, word_set(conversation.answer())) if len(answer) else 0.0
        if near or beside:
            row = NearRow(candidate, info.ref, near, text, conversation.answer())
            scored.append((near, beside, -candidate, row))
    scored.sort(key=lambda one: one[:3], reverse=True)
    return [row for *_, row in scored[:k]]


def _question(comparison_id: int, row_id: int) -> Question:
    for stored in comparisons.questions(comparison_id):
        if stored["row_id"] == row_id:
            return Question.from_dict(stored)
    raise NotFound(f"Comparison {comparison_id} did not ask row {row_id}.", "Choose one of its examples.")


def _asked(conversation: Conversation) -> str:
    """What the last user message asks, with its context."""
    for message in reversed(conversation.messages):
        if message.role == "user":
            return f"{message.content}\n{message.context}".strip()
    return ""


def _candidates(info: DatasetInfo, asked: str) -> list[int]:
    """Ids of the rows with the question's words, by their weights: log(rows / rows with the word)."""
    found = sorted(set(words(asked)), key=lambda word: (-len(word), word))[:MOST_WORDS]
    listed = [word.decode(errors="replace") for word in found]
    have = {column.name for column in info.columns}
    texts = [quoted(name) for name in dict.fromkeys(info.mapping.columns.values()) if name in have]
    if not listed or not texts:
        return []
    whole = f"lower(concat_ws(' ', {', '.join(f'CAST({name} AS VARCHAR)' for name in texts)}))"
    hits = ", ".join(f"contains(text, ?) AS w{number}" for number in range(len(listed)))
    weighed = " + ".join(
        f"CASE WHEN w{number} THEN ln((SELECT rows FROM counts) / (SELECT 0.5 + w{number} FROM counts)) ELSE 0 END"
        for number in range(len(listed))
    )
    sums = ", ".join(f"count(*) FILTER (w{number}) AS w{number}" for number in range(len(listed)))
    sql = f"""
        WITH texts AS (SELECT {ROW_ID} AS id, {whole} AS text FROM rows WHERE {SPLIT} = 'train'{_reviewed(info)}),
        hits AS MATERIALIZED (SELECT id, {hits} FROM texts),
        counts AS MATERIALIZED (SELECT count(*) + 1.0 AS rows, {sums} FROM hits)
        SELECT id FROM (SELECT id, {weighed} AS weight FROM hits) WHERE weight > 0
        ORDER BY weight DESC, id LIMIT {CANDIDATES}"""
    return [row for (row,) in datasets.select(info, sql, list(listed))]


def _reviewed(info: DatasetInfo) -> str:
    """SQL that leaves out rows rejected in review: training passed them over."""
    known = datasets.select(info, "SELECT 1 FROM (DESCRIBE rows) WHERE column_name = ?", [STATUS])
    return f" AND {STATUS} <> 'rejected'" if known else ""


def _read(info: DatasetInfo, row_ids: Sequence[int]) -> list[tuple[int, Conversation]]:
    if not row_ids:
        return []
    kinds = {column.name: column.kind for column in info.columns if column.name in info.mapping.columns.values()}
    names = ", ".join(quoted(name) for name in kinds)
    listed = ", ".join(str(int(row_id)) for row_id in row_ids)
    span = f"{ROW_ID} BETWEEN {min(row_ids)} AND {max(row_ids)}"
    found = []
    for row_id, *cells in datasets.select(
        info, f"SELECT {ROW_ID}, {names} FROM rows WHERE {span} AND {ROW_ID} IN ({listed})"
    ):
        values = {name: decode(cell, kind) for (name, kind), cell in zip(kinds.items(), cells, strict=True)}
        try:
            found.append((int(row_id), read_conversation(values, info.mapping)))
        except BadInput:  # training could not read it either
            continue
    return found
