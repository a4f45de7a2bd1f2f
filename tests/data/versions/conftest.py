"""A dataset of forty rows, and what the tests of versions do with it."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from lib.data import datasets
from lib.data.columns import ROW_ID
from lib.data.edits import edit, open_copy
from lib.data.imports.importer import import_source

ROWS = 40


def rows(count: int = ROWS) -> list[dict]:
    return [{"question": f"Question {n}?", "answer": f"Answer {n}.", "level": n % 3} for n in range(count)]


@pytest.fixture
def info(write_rows):
    import_source(write_rows(rows()), "faq")
    return datasets.get("faq")


def change(info, row_id: int, **fields):
    """Edit a row as it is now."""
    return edit(info, row_id, open_copy(info).state(row_id).seq, "ann", **fields)


def stored(info) -> dict[int, dict]:
    return {row[ROW_ID]: row for row in pq.read_table(info.rows_file).to_pylist()}
