"""What differs between two versions, or between a version and its unsaved edits, row by row.

found = diff(get("support-desk@1"), get("support-desk@2"))
found.changed, found.fields["status"], found.rows("changed", limit=20)

Rows are the same row when their ids are. Versions that one import began share ids; another import of the same dataset
counts its rows anew, and is compared by position.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS, Column
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits import WorkingCopy
from lib.data.edits.overlay import DELETED
from lib.data.filters import Query
from lib.data.lineage import lineage
from lib.data.mapping.reading import read_conversation
from lib.data.mapping.roles import Mapping
from lib.data.table import Table, TableRow
from lib.data.versions.review import saved_state
from lib.errors import BadInput, WrongState
from lib.records import Conversation

Kind = Literal["added", "removed", "changed"]
CONTENT = "_tandem_content"
STATES = {"split": SPLIT, "status": STATUS, "tags": TAGS, "note": NOTE}
FIELDS = {"content": CONTENT, **STATES}
"""What of a row may have changed, and the columns that are compared for it."""


@dataclass(frozen=True)
class RowDiff:
    """One row on both sides; None where it is not there, or where its columns cannot be read as a conversation.

    `fields`: split, status, tags, note, and columns that are no part of the conversations, each before and after.
    """

    row_id: int
    kind: Kind
    before: Conversation | None
    after: Conversation | None
    fields: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class VersionDiff:
    """Rows added, removed, changed and unchanged from `left` to `right`.

    `fields` counts changed rows by what of them changed: content (any column), split, status, tags, note.
    """

    left: WorkingCopy
    right: WorkingCopy
    added: int
    removed: int
    changed: int
    unchanged: int
    fields: dict[str, int]
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    mapping_changed: bool
    _found: pa.Table = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The figures."""
        plain = ("added", "removed", "changed", "unchanged", "fields", "mapping_changed")
        lists = {"columns_added": list(self.columns_added), "columns_removed": list(self.columns_removed)}
        return {**{name: getattr(self, name) for name in plain}, **lists}

    def rows(self, kind: str = "", limit: int = 20, offset: int = 0) -> list[RowDiff]:
        """Differing rows in the order of their ids: of one kind, or changed in one of `fields`, or all.

        Raises:
            BadInput: no such kind or field.
            StorageError: a stored file is missing or damaged.
        """
        chosen = self._found.filter(self._test(kind)) if kind else self._found
        page = chosen.slice(offset, max(0, limit))
        ids = page.column(ROW_ID).to_pylist()
        sides = [{row.row_id: row for row in Table(side, _ALL).rows(ids)} for side in (self.left, self.right)]
        return [
            self._row(row_id, kind, *(side.get(row_id) for side in sides))
            for row_id, kind in zip(ids, page.column("kind").to_pylist(), strict=True)
        ]

    def _test(self, kind: str) -> pc.Expression:
        if kind in ("added", "removed", "changed"):
            return pc.field("kind") == kind
        if kind not in FIELDS:
            known = ", ".join(("added", "removed", "changed", *FIELDS))
            raise BadInput(f"There is no kind of difference {kind!r:.40}.", f"Known: {known}.")
        return pc.field(kind)

    def _row(self, row_id: int, kind: Kind, left: TableRow | None, right: TableRow | None) -> RowDiff:
        before = left if kind != "added" else None
        after = right if kind != "removed" else None
        shown = _conversation(before, self.left.mapping), _conversation(after, self.right.mapping)
        fields = {}
        if before and after:
            read = self._read_columns() if all(shown) else set()
            pairs = {name: (getattr(before.state, name), getattr(after.state, name)) for name in STATES}
            names = [column.name for column in (*self.left.columns, *self.right.columns) if column.name not in read]
            pairs |= {name: (before.values.get(name), after.values.get(name)) for name in names}
            fields = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        return RowDiff(row_id, kind, *shown, fields)

    def _read_columns(self) -> set[str]:
        """Columns that conversations are read from."""
        mappings = (self.left.mapping.columns, self.right.mapping.columns)
        return {column for mapping in mappings for role, column in mapping.items() if role not in ("split", "rejected")}


_ALL = Query()


def _conversation(row: TableRow | None, mapping: Mapping) -> Conversation | None:
    with contextlib.suppress(BadInput):
        return read_conversation(row.values, mapping) if row else None
    return None


def diff(left: DatasetInfo | WorkingCopy, right: DatasetInfo | WorkingCopy) -> VersionDiff:
    """Compare two versions; a working copy stands for a version with its unsaved edits.

    Raises:
        BadInput: versions of datasets that have none in common.
        WrongState: both sides have unsaved edits.
        StorageError: a stored file is missing or damaged.
    """
    before, after = (side if isinstance(side, WorkingCopy) else WorkingCopy(side) for side in (left, right))
    _check_related(before.info, after.info)
    with _both(before, after) as connection:
        found = connection.execute(_sql(before, after)).to_arrow_table()
        [(rows,)] = connection.execute(f"SELECT count(*) FROM before WHERE NOT {DELETED}").fetchall()
    kinds = {entry["values"]: entry["counts"] for entry in found.column("kind").value_counts().to_pylist()}
    added, removed, changed = (kinds.get(kind, 0) for kind in ("added", "removed", "changed"))
    names = [[column.name for column in side.columns] for side in (before, after)]
    return VersionDiff(
        before,
        after,
        added,
        removed,
        changed,
        rows - removed - changed,
        fields={name: pc.sum(found.column(name)).as_py() or 0 for name in FIELDS},
        columns_added=tuple(name for name in names[1] if name not in names[0]),
        columns_removed=tuple(name for name in names[0] if name not in names[1]),
        mapping_changed=before.mapping != after.mapping,
        _found=found,
    )


def _check_related(left: DatasetInfo, right: DatasetInfo) -> None:
    if left.name == right.name:
        return
    if not {info.ref for info in lineage(left)} & {info.ref for info in lineage(right)}:
        raise BadInput(
            f"{left.ref} and {right.ref} have no version in common, so their rows are different ones.",
            "Compare versions of one dataset, or of a dataset and its branch.",
        )


@contextlib.contextmanager
def _both(before: WorkingCopy, after: WorkingCopy) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the views `before` and `after`, each like `rows` of a working copy."""
    if before.touched and after.touched:
        raise WrongState("Both sides have unsaved edits.", "Save one of them, or compare its saved version.")
    edited, plain = (before, after) if before.touched else (after, before)
    names = ("before", "after") if before.touched else ("after", "before")
    with edited.connect() as connection:
        connection.execute(f"CREATE VIEW {names[0]} AS FROM rows")
        connection.from_parquet(str(plain.info.rows_file)).create_view("other")
        states = ", ".join(f"{sql} AS {name}" for name, sql in saved_state(plain.info, "other").items())
        columns = "".join(f"other.{quoted(column.name)}, " for column in plain.columns)
        connection.execute(
            f"CREATE VIEW {names[1]} AS SELECT {columns} other.{ROW_ID}, {states}, false AS {DELETED} FROM other"
        )
        yield connection


def _sql(before: WorkingCopy, after: WorkingCopy) -> str:
    """One line for each row that differs. Contents are compared by their MD5, so that memory does not hold them."""
    names = dict.fromkeys(column.name for column in (*before.columns, *after.columns))
    sides = [_side(relation, list(names), copy.columns) for relation, copy in (("before", before), ("after", after))]
    in_both = f"a.{ROW_ID} IS NOT NULL AND b.{ROW_ID} IS NOT NULL"
    flags = [f"{in_both} AND a.{column} IS DISTINCT FROM b.{column} AS {name}" for name, column in FIELDS.items()]
    return f"""SELECT {ROW_ID}, CASE WHEN b.{ROW_ID} IS NULL THEN 'removed' WHEN a.{ROW_ID} IS NULL THEN 'added'
            ELSE 'changed' END AS kind, {", ".join(flags)}
        FROM ({sides[0]}) a FULL JOIN ({sides[1]}) b USING ({ROW_ID})
        WHERE kind <> 'changed' OR {" OR ".join(FIELDS)} ORDER BY {ROW_ID}"""


def _side(relation: str, names: list[str], columns: tuple[Column, ...]) -> str:
    have = {column.name for column in columns}
    values = [quoted(name) if name in have else "NULL" for name in names]
    states = ", ".join(STATES.values())
    return f"SELECT {ROW_ID}, {states}, {fingerprint(values)} AS {CONTENT} FROM {relation} WHERE NOT {DELETED}"


def fingerprint(values: list[str]) -> str:
    """SQL of a number that differs where any of the values does. As text, lists quote what could be misread."""
    listed = ", ".join(f"CAST({value} AS VARCHAR)" for value in values)
    return f"md5_number(CAST([{listed}] AS VARCHAR))"
