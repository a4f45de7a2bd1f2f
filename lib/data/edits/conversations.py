"""Rows of a working copy as conversations: read in order, and edited as what people see."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from lib.data import datasets
from lib.data.columns import ROW_ID, SPLIT, decode
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits.drafts import open_copy
from lib.data.edits.journal import Entry, edit
from lib.data.edits.overlay import DELETED
from lib.data.edits.working import WorkingCopy
from lib.data.filters import Query
from lib.data.mapping.reading import read_conversation
from lib.data.mapping.writing import write_conversation
from lib.data.table import Table
from lib.errors import BadInput, NotFound
from lib.records import Conversation

WINDOW = 8192  # row ids that are read at a time


def conversations(copy: WorkingCopy, split: str | None = None) -> Iterator[tuple[int, Conversation]]:
    """Row ids and conversations in order of the ids, deleted rows left out: memory does not grow with the rows.

    Raises:
        StorageError: a stored file is missing or damaged.
        BadInput: a row that the mapping does not read.
    """
    if not copy.touched:
        yield from datasets.conversations(copy.info, split)
        return
    for row_id, conversation, _ in rows_with(copy, (), split):
        yield row_id, conversation


def rows_with(
    copy: WorkingCopy, names_wanted: Collection[str], split: str | None = None
) -> Iterator[tuple[int, Conversation, dict[str, Any]]]:
    """`conversations`, each with its values of some columns and its split (`_split`); raises what it raises."""
    wanted = {*copy.mapping.columns.values(), *names_wanted}
    columns = [column for column in copy.columns if column.name in wanted]
    names = "".join(f"{quoted(column.name)}, " for column in columns)
    chosen = "" if split is None else f"AND {SPLIT} = ?"
    with copy.connect() as connection:
        first, last = connection.execute(f"SELECT min({ROW_ID}), max({ROW_ID}) FROM saved").fetchall()[0]
        for start in range(first, last + 1, WINDOW):
            sql = f"""SELECT {names}{SPLIT}, {ROW_ID} FROM rows
                WHERE {ROW_ID} BETWEEN ? AND ? AND NOT {DELETED} {chosen} ORDER BY {ROW_ID}"""
            span = [start, start + WINDOW - 1, *([split] if split is not None else [])]
            for cells in connection.execute(sql, span).fetchall():
                values = {
                    column.name: decode(value, column.kind) for column, value in zip(columns, cells, strict=False)
                }
                try:
                    conversation = read_conversation(values, copy.mapping)
                except BadInput as error:
                    raise BadInput(f"Row {cells[-1]}: {error.message}", error.hint) from error
                yield cells[-1], conversation, {**values, SPLIT: cells[-2]}


def edit_conversation(info: DatasetInfo, row_id: int, seq: int, who: str, conversation: Conversation) -> Entry | None:
    """Make a row read as `conversation`, whatever columns it lies in; None when it does already.

    Raises:
        CannotCarry: the dataset's columns have no place for it.
        Conflict, NotFound, WrongState: see `edit`.
    """
    copy = open_copy(info)
    found = Table(copy, Query()).rows([row_id])
    if not found:
        raise NotFound(f"{info.ref} has no row {row_id}.", "Open the list of its rows and choose one.")
    values = write_conversation(conversation, found[0].values, copy.full_mapping, copy.full_columns)
    return edit(info, row_id, seq, who, values=values)
