"""The questions of a comparison one by one, with all answers: in any order of differences, filtered, paged.

examples(3, Order("worst", "chrf", "gentle-otter"), Filters(outcome="lost", metric="chrf", tuned="gentle-otter"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lib.data.columns import RESERVED
from lib.data.datasets import quoted
from lib.data.table import TableRow
from lib.errors import BadInput
from lib.evaluation import comparisons, slices
from lib.evaluation.comparing import files
from lib.evaluation.comparing.rows import dataset_rows
from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.statistics import TIE


@dataclass(frozen=True, slots=True)
class Order:
    """`largest` difference of tuned and base first, whichever way; `worst`: regressions first; `best`: gains first.

    Rows whose difference is not known come last. `base` is the first side where it is empty.
    """

    by: Literal["row", "largest", "worst", "best"] = "row"
    metric: str = ""
    tuned: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows. `outcome`: where tuned won, tied or lost against base by a metric. `by` and `label`: one slice."""

    search: str = ""
    """In prompt, reference and answers, case aside."""
    leaked: bool | None = None
    outcome: Literal["", "won", "tied", "lost"] = ""
    metric: str = ""
    tuned: str = ""
    base: str = ""
    by: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class ExamplePage:
    """Some rows, and how many match in all.

    A row has the columns of the outputs (`text|<side>`, `<metric>|<side>` and so on), and of the dataset's row, as it
    is now, `columns` (name -> value) and `tags`.
    """

    rows: list[dict[str, Any]]
    total: int


def examples(
    comparison_id: int, order: Order | None = None, filters: Filters | None = None, limit: int = 20, offset: int = 0
) -> ExamplePage:
    """Rows of a comparison; none while nothing is stored.

    Raises:
        NotFound: no comparison of that number.
        BadInput: it has no such metric, side or slice.
        StorageError: the stored answers are damaged.
    """
    view = comparisons.get(comparison_id)
    if not files.has_outputs(comparison_id):
        return ExamplePage([], 0)
    names = [name for name in files.column_names(comparison_id) if "#sums|" not in name]
    condition, values = _condition(view, filters or Filters(), names)
    total = files.query(comparison_id, f"SELECT count(*) AS rows FROM outputs WHERE {condition}", values)[0]["rows"]
    listed = ", ".join(map(quoted, names))
    sql = f"SELECT {listed} FROM outputs WHERE {condition} ORDER BY {_order(view, order or Order())} LIMIT ? OFFSET ?"
    rows = files.query(comparison_id, sql, [*values, max(0, limit), max(0, offset)])
    found = dataset_rows(view, [row["row_id"] for row in rows])
    return ExamplePage([row | _of_dataset(found.get(row["row_id"])) for row in rows], total)


def _of_dataset(row: TableRow | None) -> dict[str, Any]:
    if row is None:
        return {"columns": {}, "tags": []}
    values = {name: value for name, value in row.values.items() if name not in RESERVED}
    return {"columns": values, "tags": list(row.state.tags)}


def _gain(view: ComparisonView, metric: str, tuned: str, base: str) -> str:
    """SQL of how much better tuned is than base; higher, where neither direction is better."""
    base = base or next(iter(view.sides), "")
    if metric not in view.metrics or tuned not in view.sides or base not in view.sides:
        raise BadInput(
            f"Comparison {view.id} has no {metric or 'metric'} of {tuned or 'nobody'} against {base}.",
            f"Metrics: {', '.join(view.metrics)}; sides: {', '.join(view.sides)}.",
        )
    after, before = (quoted(f"{metric}|{side}") for side in (tuned, base))
    lower = view.metrics[metric].higher_is_better is False
    return f"({before} - {after})" if lower else f"({after} - {before})"


def _order(view: ComparisonView, order: Order) -> str:
    if order.by == "row":
        return "row_id"
    gain = _gain(view, order.metric, order.tuned, order.base)
    first = {"largest": f"abs({gain}) DESC", "worst": f"{gain} ASC", "best": f"{gain} DESC"}[order.by]
    return f"{first} NULLS LAST, row_id"


def _condition(view: ComparisonView, filters: Filters, names: Sequence[str]) -> tuple[str, list[Any]]:
    """SQL and the values of its marks."""
    tests = ["true"]
    values: list[Any] = []
    if filters.search.strip():
        texts = [name for name in names if name in ("prompt", "reference") or name.startswith("text|")]
        tests.append("(" + " OR ".join(f"contains(lower({quoted(name)}), lower(?))" for name in texts) + ")")
        values += [filters.search.strip()] * len(texts)
    if filters.leaked is not None and "leaked" in names:
        tests.append("leaked" if filters.leaked else "NOT leaked")
    if filters.outcome:
        gain = _gain(view, filters.metric, filters.tuned, filters.base)
        signs = {"won": f"{gain} > {TIE}", "lost": f"{gain} < -{TIE}", "tied": f"abs({gain}) <= {TIE}"}
        tests.append(signs[filters.outcome])
    if filters.by:
        tests.append("list_contains(?::BIGINT[], row_id)")
        found = slices.labels(view.id, filters.by)
        values.append([row for row, labels in found.items() if filters.label in labels])
    return " AND ".join(tests), values
