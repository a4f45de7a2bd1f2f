"""Tokens of the rows of a train split, whole, before anything is done about long ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lib import duck, models
from lib.data import datasets
from lib.data.columns import ROW_ID, SPLIT, decode
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits import open_copy
from lib.data.lint.run import METADATA
from lib.data.mapping.reading import read_conversation
from lib.data.versions import unsaved
from lib.formats import ModelTokenizer, Template, get_template, load_tokenizer, render
from lib.formats.lint import fingerprint
from lib.formats.render import REFUSALS
from lib.records import Conversation
from lib.storage import lint_file

SAMPLE = 1500  # rows tokenized at once where no lint has counted all
REJECTED, SILENT, REFUSED = "rejected in review", "without an answer", "cannot be carried by the template"
Array = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Counted:
    """`totals` and `answers`: tokens of each row that can be trained on, and those of its answers.

    `rows` of the split; `left_out`: reason -> rows; `weight`: rows that each counted one stands for.
    """

    rows: int
    totals: Array
    answers: Array
    left_out: dict[str, int]
    weight: float
    source: str


def counted(info: DatasetInfo, model: str, template: str, escape: bool) -> Counted:
    """Count the train split; the same question again costs nothing.

    Raises:
        NotFound, ModelError: no such template or model, or one that cannot be used.
    """
    renderer, tokenizer = get_template(template), load_tokenizer(models.find(model).path)
    current = fingerprint(renderer, tokenizer)
    file = _lint_file(info, renderer, current, escape)
    if file:
        return _from_lint(info.splits.get("train", 0), file, file.stat().st_mtime_ns, info.rows_file)
    return _tokenized(f"{info.ref} {info.hash}", current, escape, _Source(info, renderer, tokenizer))


def _lint_file(info: DatasetInfo, template: Template, current: str, escape: bool) -> Path | None:
    """The file of a lint with this template and tokenizer, whatever its length, that still holds for the version."""
    if unsaved(info):
        return None  # the lint looks at edits, training does not
    seq = open_copy(info).seq
    for file in lint_file(info.name, info.version, "any").parent.glob("[!.]*.parquet"):
        try:
            found = json.loads(pq.read_metadata(file).metadata[METADATA.encode()])
            settings = (found["settings"]["template"], found["settings"]["escape"], found["fingerprint"])
            if settings == (template.name, escape, current) and found["seq"] >= seq:
                return file
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            continue
    return None


@lru_cache(maxsize=8)
def _from_lint(rows: int, file: Path, changed: int, rows_file: Path) -> Counted:
    """The train split's rows in a lint's file; `changed` only tells its states apart."""
    sql = f"""SELECT lint.total, lint.answer, list_transform(lint.findings, lambda one: one.kind) AS kinds
        FROM read_parquet(?) AS lint JOIN read_parquet(?) AS rows ON lint.row_id = rows.{ROW_ID}
        WHERE rows.{SPLIT} = 'train'"""
    with duck.connect() as connection:
        found = connection.execute(sql, [str(file), str(rows_file)]).fetchnumpy()
    taken = ~np.ma.getmaskarray(np.ma.asarray(found["total"]))
    totals, answers = (np.asarray(found[name][taken], dtype=np.int64) for name in ("total", "answer"))
    kinds = found["kinds"][~taken]
    silent = sum("no_answer" in row for row in kinds)
    left_out = {SILENT: silent, REFUSED: len(kinds) - silent, REJECTED: rows - len(taken)}
    return Counted(rows, totals, answers, _some(left_out), 1.0, "all rows counted")


@dataclass(frozen=True)
class _Source:
    """Where rows come from; not told apart in the cache, as its other arguments do that."""

    info: DatasetInfo
    template: Template
    tokenizer: ModelTokenizer

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=32)
def _tokenized(content: str, template: str, escape: bool, source: _Source) -> Counted:
    """A sample of the train split, or all of a small one, written and tokenized as training does it."""
    info = source.info
    rows = info.splits.get("train", 0)
    rejected = datasets.rejected(info)
    left_out = dict.fromkeys((REJECTED, SILENT, REFUSED), 0)
    written = []
    taken = 0
    for row_id, conversation in _sample(info, rows):
        taken += 1
        if row_id in rejected:
            left_out[REJECTED] += 1
        elif not conversation.answer().strip():
            left_out[SILENT] += 1
        else:
            try:
                written.append(render(conversation, source.template, source.tokenizer, escape=escape))
            except REFUSALS:
                left_out[REFUSED] += 1
    weight = rows / taken if taken else 1.0
    tokens = source.tokenizer.tokenize_batch(written, spans=False)
    how = "all rows counted" if taken == rows else f"estimated from {taken:,} of {rows:,} rows"
    return Counted(
        rows,
        np.array([len(one) for one in tokens], dtype=np.int64),
        np.array([sum(one.trained) for one in tokens], dtype=np.int64),
        _some({reason: round(count * weight) for reason, count in left_out.items()}),
        weight,
        how,
    )


def _sample(info: DatasetInfo, rows: int) -> Iterator[tuple[int, Conversation]]:
    """Rows of the train split, spread over all of it by their ids."""
    kinds = {column.name: column.kind for column in info.columns if column.name in info.mapping.columns.values()}
    names = ", ".join([ROW_ID, *map(quoted, kinds)])
    step = max(1, rows // SAMPLE)
    sql = f"SELECT {names} FROM rows WHERE rows.{SPLIT} = 'train' AND hash({ROW_ID}) % ? = 0 ORDER BY {ROW_ID} LIMIT ?"
    for row_id, *values in datasets.select(info, sql, [step, 2 * SAMPLE]):
        decoded = {name: decode(value, kind) for (name, kind), value in zip(kinds.items(), values, strict=True)}
        yield row_id, read_conversation(decoded, info.mapping)


def _some(counts: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count > 0}
