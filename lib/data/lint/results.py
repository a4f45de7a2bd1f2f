"""What a lint of a version found, read from its file: a summary, pages of findings, and lengths."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lib import duck
from lib.data.columns import ROW_ID
from lib.data.datasets import DatasetInfo
from lib.data.edits.overlay import SEQ
from lib.data.edits.working import WorkingCopy
from lib.data.lint.run import METADATA
from lib.data.lint.settings import LintSettings
from lib.errors import NotFound, StorageError

_ONE_BY_ONE = "SELECT row_id, unnest(findings) AS finding, generate_subscripts(findings, 1) AS place FROM lint"
_FINDING = "row_id, finding.kind, finding.detail, finding.message"


@dataclass(frozen=True)
class RowFinding:
    """One finding on screen; `message`: its number in the row, from 1, None for all of the row."""

    row_id: int
    kind: str
    detail: str
    message: int | None


@dataclass(frozen=True)
class Bar:
    """Rows of `low` tokens and more, below `high`; the last bar is open upwards (None)."""

    low: int
    high: int | None
    rows: int


def summary(info: DatasetInfo, settings: LintSettings) -> dict[str, Any] | None:
    """What the last lint with these settings found; None when there was none.

    `rows` looked at, `flagged` of them with findings, `left_out` of training (no answer, refused); `tokens`, `trained`
    and `longest` of the others; `kinds`: every kind of finding with its words, `found`, `rows`, `share` of all rows (0
    to 1), five `examples`, and for template and model a `detail`; `effects`: by policy, what becomes of long rows.

    Raises:
        StorageError: the file is damaged.
    """
    path = settings.file(info)
    try:
        found: dict[str, Any] = json.loads(pq.read_metadata(path).metadata[METADATA.encode()])
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged.", "Delete it, and let the rows be looked at again.") from error
    return found


def stale(copy: WorkingCopy, settings: LintSettings) -> bool:
    """Whether rows, template or tokenizer have changed since the last lint with these settings, or there was none.

    Raises:
        NotFound, ModelError: no such template or model, or one that cannot be used.
        StorageError: the file is damaged.
    """
    known = summary(copy.info, settings)
    return known is None or known["seq"] < copy.seq or known["fingerprint"] != settings.fingerprint()


def rows_of(
    info: DatasetInfo, settings: LintSettings, kind: str = "", limit: int = 50, offset: int = 0
) -> list[RowFinding]:
    """A page of the findings of one kind, or of all, in order of the rows; a row may have several.

    Raises:
        NotFound: there was no lint with these settings.
    """
    some = "WHERE list_contains(list_transform(findings, lambda one: one.kind), ?)" if kind else ""
    these = "WHERE finding.kind = ?" if kind else ""
    sql = f"SELECT {_FINDING} FROM ({_ONE_BY_ONE} {some}) {these} ORDER BY row_id, place LIMIT ? OFFSET ?"
    found = _select(info, settings, sql, [*([kind, kind] if kind else []), max(0, limit), max(0, offset)])
    return [RowFinding(*row) for row in found]


def findings_of(info: DatasetInfo, settings: LintSettings, row_ids: list[int]) -> dict[int, list[RowFinding]]:
    """All findings of some rows, by their ids; rows without any are not in it.

    Raises:
        NotFound: there was no lint with these settings.
    """
    sql = f"SELECT {_FINDING} FROM ({_ONE_BY_ONE} WHERE list_contains(?, row_id)) ORDER BY row_id, place"
    found: dict[int, list[RowFinding]] = {}
    for row in _select(info, settings, sql, [row_ids]):
        found.setdefault(row[0], []).append(RowFinding(*row))
    return found


def lengths(info: DatasetInfo, settings: LintSettings) -> list[Bar]:
    """Rows by their tokens in all, in some 18 bars; rows that training leaves out are not in it.

    Raises:
        NotFound: there was no lint with these settings.
    """
    edges = [int(edge) for edge in (summary(info, settings) or {"edges": []})["edges"]]
    sql = """SELECT len(list_filter(?, lambda edge: edge <= total)) AS bar, count(*)
        FROM lint WHERE total IS NOT NULL GROUP BY bar"""
    counts = dict(_select(info, settings, sql, [edges])) if edges else {}
    highs = [*edges[1:], None]
    return [
        Bar(low, high, counts.get(number, 0)) for number, (low, high) in enumerate(zip(edges, highs, strict=True), 1)
    ]


def longer_than(info: DatasetInfo, settings: LintSettings, tokens: int) -> int:
    """How many rows have more tokens than that; rows that training leaves out do not count.

    Raises:
        NotFound: there was no lint with these settings.
    """
    return int(_select(info, settings, "SELECT count(*) FROM lint WHERE total > ?", [tokens])[0][0])


def may_have(copy: WorkingCopy, settings: LintSettings, kind: str) -> tuple[str, list[Any]]:
    """SQL test, and its parameters, of `rows` that may have a finding of a kind: all where that is not known.

    Those that had one at the last lint, and those that were changed since.
    """
    known = summary(copy.info, settings)
    if known is None or known["fingerprint"] != settings.fingerprint():
        return "true", []
    found = "SELECT row_id FROM read_parquet(?) WHERE list_contains(list_transform(findings, lambda one: one.kind), ?)"
    test = f"(rows.{SEQ} > ? OR rows.{ROW_ID} IN ({found}))"
    return test, [known["seq"], str(settings.file(copy.info)), kind]


def _select(info: DatasetInfo, settings: LintSettings, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    path = settings.file(info)
    if not path.exists():
        raise NotFound(f"{info.ref} was not looked at with these settings.", "Start the lint first.")
    with duck.connect() as connection:
        try:
            connection.from_parquet(str(path)).create_view("lint")
            return connection.execute(sql, parameters).fetchall()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise StorageError(f"{path} is damaged.", "Delete it, and let the rows be looked at again.") from error
