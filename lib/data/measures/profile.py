"""Which source columns are worth a facet, and where the bars of numbers begin: decided once, from all rows.

Both are SQL over a relation of rows, in steps of a hundred columns, so that thousands of columns are no trouble.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import duckdb

from lib.data.columns import Column
from lib.data.datasets import quoted

T = TypeVar("T")
COLUMNS = 30  # facets of source columns at most
CHOICES = 50  # distinct values of a text column at most
CHOICE_CHARS = 80
BARS = 18
SAMPLE_ROWS = 10_000
STEP_COLUMNS = 100
LONG_TAIL = 8  # 99th percentile beside the median, from which on bars widen upwards
SAME, TINY = 1e-9, 1e-200  # relative and absolute differences that are none
_SERIES = ((2, (1, 2, 3, 4, 5, 6, 7, 8, 9)), (3, (1, 1.5, 2, 3, 5, 7)), (math.inf, (1, 2, 3, 5)))
_STEPS = (1, 2, 2.5, 5, 10)


def useful_columns(connection: duckdb.DuckDBPyConnection, columns: Iterable[Column]) -> tuple[str, ...]:
    """Columns of `rows` with few and short values, or numbers that differ; in their order, `COLUMNS` at most.

    A sample sorts out nearly all others before every row is read.
    """
    candidates = [column for column in columns if column.kind != "json"]
    sample = f"(FROM rows LIMIT {SAMPLE_ROWS})"
    hopeful = [column for column in candidates if column.kind != "text"]
    hopeful += _telling(connection, sample, [column for column in candidates if column.kind == "text"])
    found: list[str] = []
    order = [column for column in candidates if column in set(hopeful)]
    for part in _parts(order, COLUMNS):
        found += [column.name for column in _telling(connection, "rows", part)]
        if len(found) >= COLUMNS:
            break
    return tuple(found[:COLUMNS])


def _telling(connection: duckdb.DuckDBPyConnection, source: str, columns: Sequence[Column]) -> Iterator[Column]:
    """Columns whose values in `source` differ, texts with few of them."""
    for part in _parts(columns, STEP_COLUMNS):
        asked = ", ".join(_question(column) for column in part)
        (answers,) = connection.execute(f"SELECT {asked} FROM {source} AS rows").fetchall()
        yield from (column for column, good in zip(part, answers, strict=True) if good)


def _question(column: Column) -> str:
    name = f"rows.{quoted(column.name)}"
    if column.kind != "text":
        return f"coalesce(min({name}) < max({name}), false)"
    distinct = f"approx_count_distinct({name})"
    few = f"{distinct} BETWEEN 2 AND {CHOICES} AND 2 * {distinct} <= count({name})"
    return f"coalesce({few} AND max(length({name})) <= {CHOICE_CHARS}, false)"


def edges_of(
    connection: duckdb.DuckDBPyConnection, source: str, fields: Sequence[tuple[str, str, bool]]
) -> dict[str, tuple[float, ...]]:
    """Lower bounds of each number field's bars. A field is (name, SQL over `source`, whether numbers are whole)."""
    edges = {}
    for part in _parts(fields, STEP_COLUMNS):
        asked = ", ".join(_spread(expression) for _, expression, _ in part)
        (answers,) = connection.execute(f"SELECT {asked} FROM {source}").fetchall()
        for (name, _, whole), spread in zip(part, answers, strict=True):
            if spread and spread[0] is not None:
                low, median, high = spread
                edges[name] = bounds(low, median, high, whole)
    return edges


def _spread(expression: str) -> str:
    """Smallest value, median and 99th percentile of what is finite."""
    number = f"CAST({expression} AS DOUBLE)"
    finite = f"FILTER (WHERE isfinite({number}))"
    quantiles = f"approx_quantile({number}, [0.5, 0.99]) {finite}"
    return f"[min({number}) {finite}, list_extract({quantiles}, 1), list_extract({quantiles}, 2)]"


def bounds(low: float, median: float, high: float, whole: bool) -> tuple[float, ...]:
    """Round lower bounds of some 18 bars from the smallest value `low` to the 99th percentile `high`.

    Bars are of one width, or widen upwards when the tail is long. `whole`: the numbers are integers.
    """
    high = max(low, high)
    if whole and high - low < BARS:
        return tuple(float(value) for value in range(math.floor(low), math.floor(high) + 1))
    if high - low <= SAME * max(abs(low), abs(high), TINY):
        return (low,)
    if low >= 0 and high > LONG_TAIL * median:
        return _widening(low, high, whole)
    step = _step((high - low) / BARS, whole)
    first, count = math.floor(low / step), math.floor(high / step) - math.floor(low / step) + 1
    return tuple(_rounded((first + number) * step, step) for number in range(count))


def _widening(low: float, high: float, whole: bool) -> tuple[float, ...]:
    start = max(low, high / 10_000, 1.0 if whole else 0.0)
    decades = math.log10(high / start)
    series = next(series for most, series in _SERIES if decades <= most)
    exponents = range(math.floor(math.log10(start)), math.ceil(math.log10(high)) + 1)
    values = [_rounded(digit * 10.0**exponent, 10.0**exponent) for exponent in exponents for digit in series]
    values = [value for value in values if value <= high and not (whole and value % 1)]
    below = [value for value in values if value <= start]
    first = below[-1] if below and below[-1] <= low else 0.0
    return (first, *(value for value in values if value > first and value >= start))


def _step(least: float, whole: bool) -> float:
    """The smallest round width that is not below `least`."""
    scale = 10.0 ** math.floor(math.log10(least))
    steps = [digit * scale for digit in _STEPS]
    return next(step for step in steps if step >= least * (1 - 1e-9) and not (whole and step % 1))


def _rounded(value: float, step: float) -> float:
    """Without the last digits that multiplication brings in."""
    return round(value, max(0, 2 - math.floor(math.log10(step))))


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
