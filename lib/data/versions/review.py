"""What the working copy of a version amounts to: rows that differ from what was saved, and their review states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.parquet as pq

from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits import STATUSES, WorkingCopy, open_copy
from lib.data.edits.overlay import CHANGED, DELETED

UNREVIEWED = {STATUS: "'pending'", TAGS: "CAST([] AS VARCHAR[])", NOTE: "''"}


@dataclass(frozen=True)
class Review:
    """Rows by status, and by tag with the most frequent first."""

    statuses: dict[str, int]
    tags: dict[str, int]


def review(copy: WorkingCopy) -> Review:
    """Count review states, deleted rows aside."""
    by_status = f"SELECT {STATUS}, count(*) FROM rows WHERE NOT {DELETED} GROUP BY ALL"
    by_tag = f"""SELECT tag, count(*) FROM (SELECT unnest({TAGS}) AS tag FROM rows WHERE NOT {DELETED})
        GROUP BY ALL ORDER BY 2 DESC, 1"""
    with copy.connect() as connection:
        counts = dict(connection.execute(by_status).fetchall())
        tags = dict(connection.execute(by_tag).fetchall())
    return Review({status: counts.get(status, 0) for status in STATUSES}, tags)


def present(info: DatasetInfo) -> WorkingCopy:
    """A version with its unsaved edits; those that were saved as another version belong to that one."""
    copy = open_copy(info)
    return WorkingCopy(info) if copy.saved_as else copy


def unsaved(info: DatasetInfo) -> int:
    """How many rows differ from the saved version by unsaved edits."""
    return differing(present(info))[0]


def differing(copy: WorkingCopy) -> tuple[int, int]:
    """How many rows of a working copy differ from the saved ones, and how many of these are deleted."""
    if not copy.touched:
        return 0, 0
    sql = f"""SELECT count(*), count(*) FILTER (changes.{DELETED}) FROM changes JOIN saved USING ({ROW_ID})
        WHERE {" OR ".join(_differences(copy))}"""
    with copy.connect() as connection:
        [(edited, deleted)] = connection.execute(sql).fetchall()
    return edited, deleted


def _differences(copy: WorkingCopy) -> Iterator[str]:
    """SQL tests of an edited row."""
    yield f"changes.{DELETED}"
    for name, expression in saved_state(copy.info).items():
        yield f"changes.{name} IS DISTINCT FROM {expression}"
    have = {column.name for column in copy.info.columns}
    for column in copy.edited:
        name, literal = quoted(column.name), column.name.replace("'", "''")
        before = f"saved.{name}" if column.name in have else "NULL"
        yield f"(list_contains(changes.{CHANGED}, '{literal}') AND changes.{name} IS DISTINCT FROM {before})"


def saved_state(info: DatasetInfo, relation: str = "saved") -> dict[str, str]:
    """SQL of split, status, tags and note of stored rows; versions made by an import have no review states."""
    have = set(pq.read_schema(info.rows_file).names)
    return {name: f"{relation}.{name}" if name in have else UNREVIEWED[name] for name in (SPLIT, STATUS, TAGS, NOTE)}
