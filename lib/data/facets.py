"""Facets: how the rows of a table are spread over status, tags, lengths, columns …; each bar with its condition.

for facet in facets(Table(open_copy(info), query)): facet.label, [(bar.label, bar.count) for bar in facet.bars]

A facet is counted without the query's own conditions on its field, so that its other bars can be chosen; of fields that
hold several values (tags, flags) all conditions have to hold, and so they count. Rows are read once, into a table of
small values, and every facet is counted from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from lib.data.checks import CHECKS
from lib.data.columns import ROW_ID
from lib.data.edits.state import STATUSES
from lib.data.edits.working import WorkingCopy
from lib.data.fields import COMPUTED, Field, fields_of
from lib.data.filters import COLUMN, Condition
from lib.data.measures.files import Measured, measured, text_file, token_file
from lib.data.splits.hashed import SPLITS
from lib.data.table import Table

BARS = 12  # of choices
FIELDS = 100  # source columns offered to filter and sort by
_IN_ORDER = {"status": STATUSES, "split": SPLITS}
_CHARS, _TOKENS = ("question_chars", "answer_chars"), ("prompt_tokens", "answer_tokens")


@dataclass(frozen=True)
class Bar:
    """`count` rows of the query; `condition` narrows it to them, None for what many bars share.

    `active`: the query has that condition.
    """

    label: str
    count: int
    condition: Condition | None
    active: bool = False


@dataclass(frozen=True)
class Facet:
    """The bars of one field: numbers from low to high, choices by their count. `missing`: rows without a value."""

    name: str
    label: str
    kind: Literal["number", "choice"]
    unit: str
    bars: tuple[Bar, ...]
    missing: int


@dataclass(frozen=True)
class _Counted:
    """A field that is counted: its column in the table of small values, and where its bars begin (numbers)."""

    field: Field
    column: str
    edges: tuple[float, ...] = ()


def facets(table: Table) -> list[Facet]:
    """Facets of a table's rows, in the order of display, of what was measured and differs at all.

    Raises:
        StorageError: a stored file is missing or damaged.
    """
    counted = [_Counted(field, f"f{number}", edges) for number, (field, edges) in enumerate(_fields(table))]
    with table.connect() as connection:
        _pick(connection, table, counted)
        found = [_facet(connection, table, one) for one in counted]
    return [facet for facet in found if facet.bars]


def useful_fields(copy: WorkingCopy, tokenizer: str = "") -> list[Field]:
    """What to offer for filters and order, most useful first: what is known of each row, then columns of the source.

    Of very many columns some are left out; queries may name them all the same.
    """
    sources = {"texts": text_file(copy.info), "tokens": token_file(copy.info, tokenizer)}
    here = {name for name, path in sources.items() if measured(path)} | {"rows", "flags"}
    known = fields_of(copy)
    profile = measured(sources["texts"])
    first = [*copy.mapping.columns.values(), *(profile.columns if profile else ())]
    names = dict.fromkeys(COLUMN + name for name in (*first, *(column.name for column in copy.columns)))
    computed = [field for field in COMPUTED.values() if field.source in here]
    return computed + [known[name] for name in list(names)[:FIELDS] if name in known]


def _fields(table: Table) -> Iterable[tuple[Field, tuple[float, ...]]]:
    """Fields to count, and where the bars of numbers begin."""
    info = table.copy.info
    texts, tokens = measured(text_file(info)), measured(token_file(info, table.query.tokenizer))
    nothing = Measured(0)
    edges = {**(texts or nothing).edges, **(tokens or nothing).edges}
    names = ["status", "tag", "flag", "split", "edited"]
    if texts:
        asked = {condition.field for condition in table.query.conditions}
        names += ["turns", *(name for name in _CHARS if not tokens or name in asked)]
    if tokens:
        names += _TOKENS
    if texts:
        names += ["language", *(COLUMN + column for column in texts.columns)]
    for name in names:
        field = table.fields.get(name)
        bounds = edges.get(name, ())
        if field and (field.kind != "number" or len(bounds) > 1):
            yield field, bounds


def _pick(connection: duckdb.DuckDBPyConnection, table: Table, counted: Sequence[_Counted]) -> None:
    """Make the table `picked`: rows that match all conditions but those of one counted field at most.

    Columns: `id`, those of the fields, and `ok_…`, whether the conditions on a field hold.
    """
    asked = {condition.field for condition in table.query.conditions}
    judged = [one for one in counted if one.field.name in asked and one.field.kind not in ("flag", "list")]
    columns = [f"rows.{ROW_ID} AS id", *(f"{_small(one)} AS {one.column}" for one in counted)]
    parameters: list[Any] = []
    for one in judged:
        condition, values = table.condition_on(one.field.name)
        columns.append(f"coalesce({condition}, false) AS ok_{one.column}")
        parameters += values
    condition, values = table.condition(*(one.field.name for one in judged))
    source = table.source(*(one.field.name for one in counted))
    few = " + ".join(f"(NOT ok_{one.column})::INT" for one in judged)
    connection.execute(
        f"""CREATE TEMP TABLE picked AS FROM (SELECT {", ".join(columns)} FROM {source} WHERE {condition})
        WHERE {f"{few} <= 1" if len(judged) > 1 else "true"}""",
        [*parameters, *values],
    )
    for one in counted:
        others = [f"ok_{other.column}" for other in judged if other is not one]
        connection.execute(f"CREATE TEMP VIEW of_{one.column} AS FROM picked WHERE {' AND '.join(others) or 'true'}")


def _small(one: _Counted) -> str:
    """What is counted of a field: numbers as the number of their bar, from 0."""
    value = one.field.expression
    if one.field.kind == "flag":
        return "NULL"
    if one.field.kind != "number":
        return value
    return " + ".join(f"({value} >= {edge!r}::DOUBLE)::UTINYINT" for edge in one.edges[1:])


def _facet(connection: duckdb.DuckDBPyConnection, table: Table, one: _Counted) -> Facet:
    """Count one field."""
    counts = dict(connection.execute(_counting(one)).fetchall())
    missing = counts.pop(None, 0)
    bars = _ranges(table, one, counts) if one.field.kind == "number" else _choices(table, one.field, counts)
    kind: Literal["number", "choice"] = "number" if one.field.kind == "number" else "choice"
    return Facet(one.field.name, one.field.label, kind, one.field.unit, tuple(bars) if counts else (), missing)


def _counting(one: _Counted) -> str:
    """SQL of pairs (value, rows); the value of rows without one is NULL."""
    rows = f"of_{one.column}"
    if one.field.kind == "list":
        listed = f"CASE WHEN len({one.column}) = 0 THEN [NULL] ELSE {one.column} END"
        each = f"(SELECT unnest({listed}) AS value FROM {rows})"
    elif one.field.kind == "flag":
        each = f"""(SELECT DISTINCT {rows}.id, flags."check" AS value
            FROM {rows} LEFT JOIN flags ON flags.row_id = {rows}.id)"""
    else:
        each = f"(SELECT {one.column} AS value FROM {rows})"
    return f"SELECT value, count(*) FROM {each} GROUP BY value"


def _ranges(table: Table, one: _Counted, counts: dict[Any, int]) -> Iterable[Bar]:
    """All bars of a number, the last one open upwards."""
    floats = {COLUMN + column.name for column in table.copy.columns if column.kind == "float"}
    for bar, (low, high) in enumerate(zip(one.edges, [*one.edges[1:], None], strict=True)):
        condition = Condition(one.field.name, "in", f"{_plain(low)}..{'' if high is None else _plain(high)}")
        label = _range_label(low, high, whole=one.field.name not in floats)
        yield _bar(table, label, counts.get(bar, 0), condition)


def _range_label(low: float, high: float | None, whole: bool) -> str:
    if high is None:
        return f"{_shown(low)} or more"
    if whole and high - low == 1:
        return _shown(low)
    return f"{_shown(low)} to {_shown(high - 1 if whole else high)}"


def _plain(value: float) -> str:
    return str(int(value) if value == int(value) else value)


def _shown(value: float) -> str:
    """Thousands apart, but not those of years."""
    return f"{int(value):,}" if value == int(value) and abs(value) >= 10_000 else _plain(value)


def _choices(table: Table, field: Field, counts: dict[Any, int]) -> Iterable[Bar]:
    """Bars of the most frequent values and of all that were chosen, then one for the rest."""
    rows = {_value(value): count for value, count in counts.items()}
    chosen = [one.value for one in table.query.conditions if one.field == field.name and one.operator == "is"]
    fixed = _IN_ORDER.get(field.name, ())
    order = sorted(rows, key=lambda value: (fixed.index(value) if value in fixed else len(fixed), -rows[value], value))
    shown = dict.fromkeys([*order[:BARS], *chosen])
    for value in shown:
        yield _bar(table, _label(field, value), rows.get(value, 0), Condition(field.name, "is", value))
    rest = sum(count for value, count in rows.items() if value not in shown)
    if rest:
        yield Bar("other", rest, None)


def _value(value: Any) -> str:
    """As a condition has it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _label(field: Field, value: str) -> str:
    if field.kind == "flag" and value in CHECKS:
        return CHECKS[value].label
    return value or "(empty)"


def _bar(table: Table, label: str, count: int, condition: Condition) -> Bar:
    return Bar(label, count, condition, condition in table.query.conditions)
