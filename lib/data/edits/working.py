"""The working copy of a dataset version: the saved rows with every edit since, as one view that DuckDB reads.

copy = open_copy(get("support-desk"))
with copy.connect() as connection:
    connection.execute("SELECT count(*) FROM rows WHERE NOT _tandem_deleted")

A working copy is a snapshot: opened again it may be further on. Saved rows are never touched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from lib import duck
from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS, Column, Kind, decode
from lib.data.datasets import DatasetInfo, quoted
from lib.data.edits import overlay
from lib.data.edits.overlay import CHANGED, DELETED, SEQ
from lib.data.edits.state import RowState
from lib.data.mapping.roles import Mapping
from lib.errors import NotFound, StorageError

ADDED_ROLES: dict[str, Kind] = {"system": "text", "history": "json", "context": "text"}  # of columns an edit may add
_UNTOUCHED = {SEQ: "0", DELETED: "false", STATUS: "'pending'", TAGS: "CAST([] AS VARCHAR[])", NOTE: "''"}


@dataclass(frozen=True)
class WorkingCopy:
    """A version and its edits up to journal entry `seq`. `saved_as`: the version that they became, if they did."""

    info: DatasetInfo
    seq: int = 0
    overlay: str | None = None
    saved_as: int | None = None
    edits: dict[int, RowState] = field(default_factory=dict, repr=False)
    """States of rows that go before those of the overlay."""

    @cached_property
    def edited(self) -> tuple[Column, ...]:
        """Columns that differ from the saved ones in any row."""
        names = {name for state in self.edits.values() for name in state.values}
        if self.overlay:
            names.update(overlay.columns_in(self._overlay_path))
        return self.known(names)

    @cached_property
    def addable(self) -> dict[str, Column]:
        """By role, the column that an edit would add for it."""
        taken = {column.name.lower() for column in self.info.columns}
        columns = {}
        for role, kind in ADDED_ROLES.items():
            if role not in self.info.mapping.columns:
                candidates = (role, f"{role}_of_turn", *(f"{role}_of_turn_{number}" for number in range(2, 1000)))
                columns[role] = Column(next(name for name in candidates if name not in taken), kind)
        return columns

    def known(self, names: Iterable[str]) -> tuple[Column, ...]:
        """Those columns of the version, and of those that an edit may add, that have these names."""
        wanted = set(names)
        return tuple(column for column in self.full_columns if column.name in wanted)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the version, and those that edits added."""
        added = [column for column in self.addable.values() if column in self.edited]
        return (*self.info.columns, *added)

    @cached_property
    def full_columns(self) -> tuple[Column, ...]:
        """The columns of the version, and every one that an edit may add."""
        return (*self.info.columns, *self.addable.values())

    @cached_property
    def mapping(self) -> Mapping:
        """The mapping of the version, and the roles of added columns."""
        added = {role: column.name for role, column in self.addable.items() if column in self.edited}
        return Mapping({**self.info.mapping.columns, **added})

    @cached_property
    def full_mapping(self) -> Mapping:
        """The mapping as it would be with every column that an edit may add."""
        return Mapping({**self.info.mapping.columns, **{role: column.name for role, column in self.addable.items()}})

    @property
    def touched(self) -> bool:
        """Whether any row was ever edited."""
        return bool(self.overlay or self.edits)

    @property
    def _overlay_path(self) -> Path:
        return overlay.path_of(self.info.name, self.info.version, self.overlay or "")

    @contextlib.contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with the views `rows` (columns, row id, split, status, tags, note, `_tandem_seq`,
        `_tandem_deleted`), `states` (the overlay's layout, of every row), `changes` (the same, of edited rows only)
        and `saved` (the stored rows).

        Raises:
            StorageError: a stored file is missing or damaged.
        """
        with duck.connect() as connection:
            try:
                connection.from_parquet(str(self.info.rows_file)).create_view("saved")
                self._create_views(connection)
                yield connection
            except (duckdb.IOException, duckdb.InvalidInputException) as error:
                reason = str(error).splitlines()[0]
                raise StorageError(
                    f"The rows of {self.info.ref} cannot be read: {reason}", "Restore its files, or import it again."
                ) from error

    def _create_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._create_changes(connection)
        edited = {column.name for column in self.edited} if self.touched else set()
        values = [
            f"{_edited(column.name)} AS {quoted(column.name)}"
            if column.name in edited
            else f"saved.{quoted(column.name)}"
            for column in self.info.columns
        ]
        values += [f"changes.{quoted(column.name)}" for column in self.columns[len(self.info.columns) :]]
        stored = set(self._saved_state_columns)
        fields = {name: f"saved.{name}" if name in stored else _UNTOUCHED[name] for name in overlay.STATE_COLUMNS[1:-1]}
        source = "FROM saved"
        if self.touched:
            fields = {name: f"coalesce(changes.{name}, {saved})" for name, saved in fields.items()}
            source = f"FROM saved LEFT JOIN changes ON saved.{ROW_ID} = changes.{ROW_ID}"
        state = ", ".join([f"saved.{ROW_ID}", *(f"{sql} AS {name}" for name, sql in fields.items())])
        connection.execute(f"CREATE VIEW rows AS SELECT {''.join(f'{value}, ' for value in values)} {state} {source}")
        changed = f"coalesce(changes.{CHANGED}, [])" if self.touched else "CAST([] AS VARCHAR[])"
        listed = "".join(f", changes.{quoted(column.name)}" for column in self.edited)
        connection.execute(f"CREATE VIEW states AS SELECT {state}, {changed} AS {CHANGED}{listed} {source}")

    def _create_changes(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The view `changes`: one state for each edited row, the overlay's unless there is a later edit."""
        connection.register("arrow", overlay.table_of(self.edits, self.edited))
        connection.execute("CREATE TABLE edits AS SELECT * FROM arrow")  # what is registered, cursors do not see
        connection.unregister("arrow")
        if not self.overlay:
            connection.execute("CREATE VIEW changes AS SELECT * FROM edits")
            return
        connection.from_parquet(str(self._overlay_path)).create_view("overlay")
        have = [*overlay.STATE_COLUMNS, *overlay.columns_in(self._overlay_path)]
        kept = overlay.listed_in(self.edited, have, "overlay")
        number = f"coalesce({SEQ}, {overlay.number_of(self.overlay)}) AS {SEQ}"
        connection.execute(f"""CREATE VIEW changes AS SELECT * REPLACE ({number}) FROM (SELECT {kept} FROM overlay)
            WHERE {ROW_ID} NOT IN (SELECT {ROW_ID} FROM edits)
            UNION ALL SELECT {overlay.listed(overlay.names_of(self.edited))} FROM edits""")

    @cached_property
    def _saved_state_columns(self) -> list[str]:
        """What the version itself stores of a row's state: its split, and the review that was saved with it."""
        have = set(pq.read_schema(self.info.rows_file).names)
        return [name for name in (SPLIT, STATUS, TAGS, NOTE) if name in have]

    def state(self, row_id: int) -> RowState:
        """The present state of a row; quick, however many there are.

        Raises:
            NotFound: the version has no such row.
            StorageError: a stored file is missing or damaged.
        """
        if row_id in self.edits:
            return self.edits[row_id]
        if self.overlay:
            for row in overlay.rows_in(self._overlay_path, row_id):
                state = overlay.state_of(list(row.values()), self.known(overlay.columns_in(self._overlay_path)))
                return state if state.seq is not None else state.changed(seq=overlay.number_of(self.overlay))
        found = self._saved(row_id, [ROW_ID, *self._saved_state_columns])
        names = {SPLIT: "split", STATUS: "status", TAGS: "tags", NOTE: "note"}
        fields = {names[name]: value for name, value in found.items() if name != ROW_ID}
        return RowState(**{**fields, "tags": tuple(fields.get("tags", ()))})

    def saved_values(self, row_id: int, names: Collection[str]) -> dict[str, Any]:
        """Stored values of columns of a row; null for a column that the version does not have.

        Raises:
            NotFound, StorageError: see `state`.
        """
        columns = {column.name: column for column in self.info.columns if column.name in names}
        found = self._saved(row_id, [ROW_ID, *columns])
        return {name: decode(found[name], columns[name].kind) if name in columns else None for name in names}

    def _saved(self, row_id: int, names: list[str]) -> dict[str, Any]:
        for row in overlay.rows_in(self.info.rows_file, row_id, names):
            return row
        raise NotFound(f"{self.info.ref} has no row {row_id}.", "Open the list of its rows and choose one.")


def _edited(name: str) -> str:
    literal = name.replace("'", "''")
    column = quoted(name)
    return f"CASE WHEN list_contains(changes.{CHANGED}, '{literal}') THEN changes.{column} ELSE saved.{column} END"
