"""Data sets at rest: which there are, and queries on the rows of one version.

info = get("medical-terms@3")
page(info, search="bursa", limit=50).rows
for row_id, conversation in conversations(info, split="train"): ...
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from lib import storage
from lib.data.columns import ROW_ID, SPLIT, STATUS, decode
from lib.data.info import REFUSED, ROWS, DatasetInfo, DatasetRef
from lib.data.mapping.reading import read_conversation
from lib.errors import BadInput, NotFound, StorageError
from lib.records import Conversation

__all__ = [
    "REFUSED",
    "ROWS",
    "DatasetInfo",
    "DatasetRef",
    "Page",
    "conversations",
    "count",
    "get",
    "list_datasets",
    "page",
    "quoted",
    "rejected",
    "row",
    "select",
    "unknown",
    "version_numbers",
    "versions",
]
BATCH_ROWS = 1024
_VERSION = re.compile(r"v(\d{4,})")


@dataclass(frozen=True)
class Page:
    """Some rows, values as they came in, and how many match in `total`."""

    rows: list[dict[str, Any]]
    total: int


def version_numbers(name: str) -> list[int]:
    """Complete versions of a dataset, ascending; none when there is no such dataset."""
    folder = storage.dataset_dir(name)
    found = [_VERSION.fullmatch(path.parent.name) for path in folder.glob(f"*/{storage.MANIFEST}")]
    return sorted(int(match[1]) for match in found if match)


def list_datasets() -> list[DatasetInfo]:
    """The latest version of every dataset, newest first. Unfinished and damaged ones are passed over."""
    infos = []
    for folder in storage.datasets_dir().glob("*/"):
        if not storage.NAME_PATTERN.fullmatch(folder.name):
            continue
        for version in reversed(version_numbers(folder.name)):
            try:
                infos.append(DatasetInfo.from_manifest(storage.version_dir(folder.name, version)))
            except StorageError:
                continue
            break
    return sorted(infos, key=lambda info: (info.created_at, info.name), reverse=True)


def get(reference: str | DatasetRef) -> DatasetInfo:
    """The version that `name` (the latest) or `name@3` means.

    Raises:
        NotFound: no such dataset or version; names what there is.
        BadInput: not a reference.
    """
    ref = DatasetRef.parse(reference) if isinstance(reference, str) else reference
    numbers = version_numbers(ref.name)
    if not numbers:
        raise unknown(ref.name)
    version = numbers[-1] if ref.version is None else ref.version
    if version not in numbers:
        listed = ", ".join(map(str, numbers))
        raise NotFound(f"The dataset {ref.name} has no version {ref.version}.", f"Versions: {listed}.")
    return DatasetInfo.from_manifest(storage.version_dir(ref.name, version))


def unknown(name: str) -> NotFound:
    """What to raise for a name that no dataset has: says which there are, and which may be meant."""
    names = sorted(path.name for path in storage.datasets_dir().glob("*/") if not path.name.startswith("."))
    close = difflib.get_close_matches(name, names, 1)
    listed = ", ".join(names[:20]) or "none yet; import one with: python -m studio import FILE --name NAME"
    meant = f"Did you mean {close[0]}? " if close else ""
    return NotFound(f"There is no dataset {name}.", f"{meant}Datasets: {listed}.")


def versions(name: str) -> list[DatasetInfo]:
    """Every version of a dataset, oldest first.

    Raises:
        NotFound: no such dataset.
    """
    numbers = version_numbers(name)
    if not numbers:
        raise unknown(name)
    return [DatasetInfo.from_manifest(storage.version_dir(name, version)) for version in numbers]


def quoted(name: str) -> str:
    """A column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def select(info: DatasetInfo, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a query on the rows, which it names `rows`. Values belong into `parameters`, one for each `?`.

    Raises:
        StorageError: the stored file is missing or damaged.
    """
    import duckdb

    from lib import duck

    with duck.connect() as connection:
        try:
            connection.from_parquet(str(info.rows_file)).create_view("rows")
            return connection.execute(sql, parameters or []).fetchall()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise StorageError(
                f"{info.rows_file} cannot be read.", "Restore it, or import the source again."
            ) from error


def _condition(info: DatasetInfo, split: str | None, search: str | None) -> tuple[str, list[Any]]:
    """An SQL condition with its parameters. Text is searched in text and JSON columns, case aside."""
    tests, parameters = ["true"], []
    if split is not None:
        tests.append(f"{SPLIT} = ?")
        parameters.append(split)
    if search:
        hits = ["false"]
        for column in info.columns:
            if column.kind in ("text", "json"):
                hits.append(f"contains(lower({quoted(column.name)}), lower(?))")
                needle = search if column.kind == "text" else json.dumps(search, ensure_ascii=False)[1:-1]
                parameters.append(needle)
        tests.append(f"({' OR '.join(hits)})")
    return " AND ".join(tests), parameters


def page(
    info: DatasetInfo, *, split: str | None = None, search: str | None = None, limit: int = 50, offset: int = 0
) -> Page:
    """Rows in order of their ids, `limit` of them after the first `offset` that match."""
    condition, parameters = _condition(info, split, search)
    order = f"SELECT {ROW_ID}, count(*) OVER () FROM rows WHERE {condition} ORDER BY {ROW_ID} LIMIT ? OFFSET ?"
    found = select(info, order, [*parameters, max(0, limit), max(0, offset)])
    total = found[0][1] if found else count(info, split, search)
    return Page(_rows(info, [row_id for row_id, _ in found]), total)


def _rows(info: DatasetInfo, ids: list[int]) -> list[dict[str, Any]]:
    """Rows by id, in order. The range lets the engine pass over all other row groups."""
    if not ids:
        return []
    names = ", ".join(quoted(column.name) for column in info.columns)
    listed = ", ".join([names, ROW_ID, SPLIT]) if names else f"{ROW_ID}, {SPLIT}"
    sql = f"SELECT {listed} FROM rows WHERE {ROW_ID} BETWEEN ? AND ? AND list_contains(?, {ROW_ID}) ORDER BY {ROW_ID}"
    keys = [*(column.name for column in info.columns), ROW_ID, SPLIT]
    kinds = [column.kind for column in info.columns]
    rows = []
    for values in select(info, sql, [min(ids), max(ids), ids]):
        decoded = [decode(value, kind) for value, kind in zip(values, kinds, strict=False)]
        rows.append(dict(zip(keys, [*decoded, *values[len(kinds) :]], strict=True)))
    return rows


def row(info: DatasetInfo, row_id: int) -> dict[str, Any]:
    """One row by its id.

    Raises:
        NotFound: no such row.
    """
    found = _rows(info, [row_id])
    if not found:
        raise NotFound(f"{info.ref} has no row {row_id}.", f"It has {info.rows} rows.")
    return found[0]


def count(info: DatasetInfo, split: str | None = None, search: str | None = None) -> int:
    """How many rows match."""
    condition, parameters = _condition(info, split, search)
    return int(select(info, f"SELECT count(*) FROM rows WHERE {condition}", parameters)[0][0])


def rejected(info: DatasetInfo) -> frozenset[int]:
    """Ids of the rows that were rejected in review before the version was saved: training and export pass them over.

    Raises:
        StorageError: the stored file is missing or damaged.
    """
    if not select(info, "SELECT 1 FROM (DESCRIBE rows) WHERE column_name = ?", [STATUS]):
        return frozenset()  # an import: nobody has reviewed it
    return frozenset(row_id for (row_id,) in select(info, f"SELECT {ROW_ID} FROM rows WHERE {STATUS} = 'rejected'"))


def conversations(
    info: DatasetInfo, split: str | None = None, limit: int | None = None, *, without: Collection[int] = ()
) -> Iterator[tuple[int, Conversation]]:
    """Row ids and conversations in order of the ids, streamed: memory does not grow with the rows.

    Rows `without` are passed over; see `rejected`.

    Raises:
        StorageError: the stored file is missing or damaged.
        BadInput: a row that the mapping does not read, as after a change of the mapping.
    """
    kinds = {column.name: column.kind for column in info.columns if column.name in info.mapping.columns.values()}
    given = 0
    for batch in _batches(info, [*kinds, ROW_ID, SPLIT]):
        for stored in batch.to_pylist():
            if limit is not None and given >= limit:
                return
            if (split is None or stored[SPLIT] == split) and stored[ROW_ID] not in without:
                values = {name: decode(stored[name], kind) for name, kind in kinds.items()}
                try:
                    conversation = read_conversation(values, info.mapping)
                except BadInput as error:
                    raise BadInput(f"Row {stored[ROW_ID]}: {error.message}", error.hint) from error
                yield stored[ROW_ID], conversation
                given += 1


def _batches(info: DatasetInfo, columns: list[str]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(info.rows_file) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{info.rows_file} cannot be read.", "Restore it, or import the source again.") from error
