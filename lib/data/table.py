"""The rows of a working copy as a table that is searched, filtered, sorted and paged in DuckDB.

table = Table(open_copy(info), Query.parse(["status:is:pending"]))
table.count(); table.page(limit=50, offset=100); table.ids()
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS, decode
from lib.data.datasets import quoted
from lib.data.edits.overlay import DELETED, SEQ
from lib.data.edits.state import RowState
from lib.data.edits.working import WorkingCopy
from lib.data.fields import Field, fields_of
from lib.data.filters import Condition, Query
from lib.data.measures.files import SCHEMAS, What, measured, text_file, token_file
from lib.errors import BadInput
from lib.storage import checks_file


@dataclass(frozen=True)
class TableRow:
    """A row on screen: its columns' values, its review state (without `values`), and the checks that flag it."""

    row_id: int
    values: dict[str, Any]
    state: RowState
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class TablePage:
    """Some rows, and how many match in all."""

    rows: list[TableRow]
    total: int


class Table:
    """The rows of one working copy that match one query."""

    def __init__(self, copy: WorkingCopy, query: Query) -> None:
        """Raises:
        BadInput: the query names a field that the dataset does not have, or a test that does not fit its kind.
        """
        self.copy, self.query = copy, query
        self.fields = fields_of(copy)
        for condition in query.conditions:
            self._test(condition)
        if query.sort:
            self._sortable(query.sort)

    @staticmethod
    def fits(field: Field, operator: str) -> bool:
        """Whether a field can be asked that way."""
        return (field.kind, operator) in _TESTS

    @contextlib.contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The working copy's connection (see `WorkingCopy.connect`), with the views that fields of this query need."""
        with self.copy.connect() as connection:
            self.join_files(connection)
            yield connection

    def join_files(self, connection: duckdb.DuckDBPyConnection) -> None:
        info = self.copy.info
        files = {
            "flags": (checks_file(info.name, info.version), 'row_id BIGINT, "check" VARCHAR'),
            "texts": (text_file(info), _columns("texts")),
            "tokens": (token_file(info, self.query.tokenizer), _columns("tokens")),
        }
        for name, (path, columns) in files.items():
            if path.exists() if name == "flags" else measured(path):
                connection.from_parquet(str(path)).create_view(name)
            else:
                connection.execute(f"CREATE TABLE {name} ({columns})")

    def source(self, *more: str) -> str:
        """SQL after FROM: the rows, joined to what the query and the fields `more` need."""
        names = [condition.field for condition in self.query.conditions] + [self.query.sort, *more]
        joined = {self.fields[name].source for name in names if name} & {"texts", "tokens"}
        return " ".join(["rows", *(f"LEFT JOIN {name} USING ({ROW_ID})" for name in sorted(joined))])

    def condition(self, *without: str) -> tuple[str, list[Any]]:
        """SQL condition and its parameters; tests of the fields `without` are left out.

        Of several values that one field may have (`is`), any will do; all other tests have to hold.
        """
        tests = self._tests([condition for condition in self.query.conditions if condition.field not in without])
        if not any(condition.field == "deleted" for condition in self.query.conditions):
            tests.append((f"NOT rows.{DELETED}", []))
        if self.query.search:
            tests.append(self._search())
        return _all_of(tests)

    def condition_on(self, field: str) -> tuple[str, list[Any]]:
        """SQL condition and its parameters of one field's tests alone."""
        return _all_of(self._tests([condition for condition in self.query.conditions if condition.field == field]))

    def _tests(self, conditions: list[Condition]) -> list[tuple[str, list[Any]]]:
        tests: list[tuple[str, list[Any]]] = []
        values: dict[str, list[tuple[str, list[Any]]]] = {}
        for condition in conditions:
            kind = self.fields[condition.field].kind
            one_of_some = condition.operator == "is" and kind in ("choice", "text", "number")
            (values.setdefault(condition.field, []) if one_of_some else tests).append(self._test(condition))
        return tests + [_joined(some, " OR ") for some in values.values()]

    def _search(self) -> tuple[str, list[Any]]:
        hits, parameters = ["false"], []
        for column in self.copy.columns:
            if column.kind in ("text", "json"):
                hits.append(f"contains(lower(rows.{quoted(column.name)}), lower(?))")
                as_json = json.dumps(self.query.search, ensure_ascii=False)[1:-1]
                parameters.append(as_json if column.kind == "json" else self.query.search)
        return " OR ".join(hits), parameters

    def _test(self, condition: Condition) -> tuple[str, list[Any]]:
        field = self._field(condition.field)
        tests = _TESTS.get((field.kind, condition.operator))
        if tests is None:
            raise BadInput(
                f"{field.label} cannot be asked for {condition.operator!r}.", f"It is of the kind: {field.kind}."
            )
        if condition.operator == "in":
            low, high = condition.range()
            bounds = [(sign, bound) for sign, bound in ((">=", low), ("<", high)) if bound is not None]
            return " AND ".join(f"{field.expression} {sign} ?" for sign, _ in bounds), [bound for _, bound in bounds]
        marks = tests.count("?")
        return tests.format(field.expression), [self._value(field, condition)] * marks if marks else []

    @staticmethod
    def _value(field: Field, condition: Condition) -> Any:
        if condition.operator == "any":
            return condition.numbers()
        if field.kind == "number":
            try:
                return float(condition.value)
            except ValueError as error:
                raise BadInput(f"{field.label}: {condition.value!r:.40} is not a number.", "Give a number.") from error
        if field.kind == "yes or no":
            if condition.value not in ("yes", "no"):
                raise BadInput(f"{field.label} is yes or no, not {condition.value!r:.40}.", "Choose one of them.")
            return condition.value == "yes"
        return condition.value

    def _field(self, name: str) -> Field:
        if name not in self.fields:
            listed = ", ".join(list(self.fields)[:40])
            raise BadInput(f"{self.copy.info.ref} has no field {name!r:.60}.", f"Fields: {listed}.")
        return self.fields[name]

    def _sortable(self, name: str) -> Field:
        field = self._field(name)
        if field.kind in ("list", "flag"):
            raise BadInput(f"Rows cannot be sorted by {field.label}.", "Choose another field.")
        return field

    def _sort_key(self) -> str:
        return self._sortable(self.query.sort).expression

    @property
    def _direction(self) -> str:
        return "DESC NULLS LAST" if self.query.descending else "ASC NULLS LAST"

    def _order(self) -> str:
        return f"{self._sort_key()} {self._direction}, rows.{ROW_ID}" if self.query.sort else f"rows.{ROW_ID}"

    def count(self) -> int:
        """How many rows match."""
        condition, parameters = self.condition()
        with self.connect() as connection:
            found = connection.execute(f"SELECT count(*) FROM {self.source()} WHERE {condition}", parameters).fetchall()
        return int(found[0][0])

    def ids(self, limit: int | None = None, offset: int = 0) -> list[int]:
        """Ids of matching rows in the query's order."""
        condition, parameters = self.condition()
        sql = f"SELECT rows.{ROW_ID} FROM {self.source()} WHERE {condition} ORDER BY {self._order()}"
        with self.connect() as connection:
            found = connection.execute(f"{sql} LIMIT ? OFFSET ?", [*parameters, limit, max(0, offset)]).fetchall()
        return [row_id for (row_id,) in found]

    def page(self, limit: int = 50, offset: int = 0) -> TablePage:
        """`limit` matching rows after the first `offset`, in the query's order."""
        with self.connect() as connection:
            total, ids = self._matching(connection, max(0, limit), max(0, offset))
            return TablePage(self._rows(connection, ids), total)

    def _matching(self, connection: duckdb.DuckDBPyConnection, limit: int, offset: int) -> tuple[int, list[int]]:
        """How many rows match, and the ids of some. Conditions are tested once; only long sort keys are read again."""
        condition, parameters = self.condition()
        key = f", {self._sort_key()} AS place" if self.query.sort else ""
        long = bool(self.query.sort) and self.fields[self.query.sort].kind == "text"
        select = f"SELECT rows.{ROW_ID}{'' if long else key} FROM {self.source()} WHERE {condition}"
        connection.execute(f"CREATE TABLE matching AS {select}", parameters)
        total = connection.execute("SELECT count(*) FROM matching").fetchall()[0][0]
        again = f"(SELECT rows.{ROW_ID}{key} FROM {self.source()} SEMI JOIN matching USING ({ROW_ID}))"
        order = f"place {self._direction}, {ROW_ID}" if self.query.sort else ROW_ID
        sql = f"SELECT {ROW_ID} FROM {again if long else 'matching'} ORDER BY {order} LIMIT ? OFFSET ?"
        return int(total), [row_id for (row_id,) in connection.execute(sql, [limit, offset]).fetchall()]

    def rows(self, row_ids: list[int]) -> list[TableRow]:
        """Rows by id, in the order of the ids; ids that are not there are left out."""
        with self.connect() as connection:
            return self._rows(connection, row_ids)

    def position(self, row_id: int) -> int | None:
        """Number of matching rows before a row, in the query's order; None when it does not match."""
        ids = self.ids()
        return ids.index(row_id) if row_id in ids else None

    def placed(self, row_id: int) -> tuple[int, TableRow] | None:
        """A matching row, and how many matching rows have lower ids; None when it does not match."""
        condition, parameters = self.condition()
        sql = f"SELECT count(*), max(rows.{ROW_ID}) FROM {self.source()} WHERE ({condition}) AND rows.{ROW_ID} <= ?"
        with self.connect() as connection:
            count, last = connection.execute(sql, [*parameters, row_id]).fetchall()[0]
            return (count - 1, self._rows(connection, [row_id])[0]) if last == row_id else None

    def _rows(self, connection: duckdb.DuckDBPyConnection, row_ids: list[int]) -> list[TableRow]:
        """Numbers in the query's text, other than parameters, let the engine pass over all other row groups."""
        if not row_ids:
            return []
        columns = self.copy.columns
        names = "".join(f"{quoted(column.name)}, " for column in columns)
        listed = ", ".join(str(int(row_id)) for row_id in row_ids)
        flags: dict[int, list[str]] = {}
        flagged = f'SELECT DISTINCT row_id, "check" FROM flags WHERE row_id IN ({listed}) ORDER BY ALL'
        for row_id, check in connection.execute(flagged).fetchall():
            flags.setdefault(row_id, []).append(check)
        names += f"{ROW_ID}, {SEQ}, {DELETED}, {SPLIT}, {STATUS}, {TAGS}, {NOTE}"
        sql = f"SELECT {names} FROM rows WHERE {ROW_ID} IN ({listed})"
        found = {}
        for cells in connection.execute(sql).fetchall():
            values = {column.name: decode(value, column.kind) for column, value in zip(columns, cells, strict=False)}
            row_id, seq, deleted, split, status, tags, note = cells[len(columns) :]
            state = RowState(seq, deleted, split, status, tuple(tags), note)
            found[row_id] = TableRow(row_id, values, state, tuple(flags.get(row_id, ())))
        return [found[row_id] for row_id in row_ids if row_id in found]


@cache
def _columns(what: What) -> str:
    """A table of measures where nothing is measured yet, as SQL has its columns."""
    types = {pa.int64(): "BIGINT", pa.uint64(): "UBIGINT", pa.int32(): "INT", pa.string(): "VARCHAR"}
    return ", ".join(f"{field.name} {types[field.type]}" for field in SCHEMAS[what])


def _all_of(tests: list[tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
    return _joined(tests, " AND ") if tests else ("true", [])


def _joined(tests: list[tuple[str, list[Any]]], word: str) -> tuple[str, list[Any]]:
    return word.join(f"({sql})" for sql, _ in tests), [value for _, values in tests for value in values]


_FLAGGED = '{0} IN (SELECT row_id FROM flags WHERE "check" = ?)'
_TESTS: dict[tuple[str, str], str] = {
    ("number", "in"): "",
    ("number", "any"): "list_contains(?, CAST({0} AS BIGINT))",
    ("number", "is"): "{0} = ?",
    ("number", "not"): "{0} IS DISTINCT FROM ?",
    ("number", "empty"): "{0} IS NULL",
    ("number", "filled"): "{0} IS NOT NULL",
    ("yes or no", "is"): "{0} = ?",
    ("yes or no", "empty"): "{0} IS NULL",
    ("yes or no", "filled"): "{0} IS NOT NULL",
    ("list", "is"): "list_contains({0}, ?)",
    ("list", "not"): "NOT list_contains({0}, ?)",
    ("list", "empty"): "len({0}) = 0",
    ("list", "filled"): "len({0}) > 0",
    ("flag", "is"): _FLAGGED,
    ("flag", "not"): f"NOT ({_FLAGGED})",
    ("flag", "empty"): "{0} NOT IN (SELECT row_id FROM flags)",
    ("flag", "filled"): "{0} IN (SELECT row_id FROM flags)",
}
for _kind in ("text", "choice"):
    _TESTS |= {
        (_kind, "is"): "{0} = ?",
        (_kind, "not"): "{0} IS DISTINCT FROM ?",
        (_kind, "has"): "contains(lower({0}), lower(?))",
        (_kind, "empty"): "({0} IS NULL OR {0} = '')",
        (_kind, "filled"): "({0} IS NOT NULL AND {0} <> '')",
    }
