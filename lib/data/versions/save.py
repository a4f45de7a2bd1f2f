"""The edits of a version become the next version of its dataset.

info = save(get("support-desk"), "typos mended", "ada")

The new version appears whole or not at all. Edits that come in while it is written stay in the journal of the old one,
and are taken over when the new version's working copy is first opened. So a process may die at any moment.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lib import storage
from lib.data.columns import ROW_ID, SPLIT
from lib.data.datasets import ROWS, DatasetInfo, DatasetRef, get, quoted, version_numbers
from lib.data.edits import WorkingCopy, open_copy
from lib.data.edits.overlay import DELETED
from lib.data.splits.hashed import SPLITS
from lib.data.versions.content import GROUP_ROWS, ContentHash, blocks, open_writer, schema
from lib.data.versions.making import OvertakenError, check_message, folder_of, latest, until_made, write_manifest
from lib.data.versions.review import differing
from lib.database import note
from lib.errors import WrongState
from lib.progress import Progress


def save(info: DatasetInfo, message: str, user: str, progress: Progress | None = None) -> DatasetInfo:
    """Write the working copy of a version as its dataset's next version, and return that.

    `progress` is called with rows done and rows in all; what it raises ends the saving, which then leaves nothing.

    Raises:
        WrongState: there is nothing to save, no row would be left, or the edits were saved already (says as what).
        BadInput: no message, or one that is too long.
        StorageError: disk full.
    """
    text = check_message(message)
    saved = until_made(info.name, lambda: write_version(open_copy(info), text, user, progress))
    open_copy(saved)
    note(user, f"saved {saved.ref}: {text}", f"datasets?dataset={saved.ref}")
    return saved


def write_version(copy: WorkingCopy, message: str, user: str, progress: Progress | None = None) -> DatasetInfo:
    """The first half of `save`: the new version's files. Edits since the copy was opened are not in it.

    Raises:
        OvertakenError: another version was made at the same time, or deleted rows were brought back.
        WrongState, StorageError: see `save`.
    """
    base = copy.info
    version = latest(base.name) + 1
    _refuse_saved(base)  # only now: a save that is not seen here has the number, or will find it taken
    edited, deleted = differing(copy)
    if not edited:
        raise WrongState(f"{base.ref} has no unsaved edits.", "Edit some rows first.")
    if deleted == base.rows:
        raise WrongState(f"Every row of {base.ref} is deleted.", "Bring some back: a version needs rows.")
    recipe = {
        "kind": "edits",
        "base": base.version,
        "seq": copy.seq,
        "message": message,
        "edits": edited,
        "deleted": deleted,
    }
    with folder_of(base.name, version) as folder:
        rows = _Rows(copy, folder / ROWS)
        rows.write(progress)
        _refuse_brought_back(copy)
        write_manifest(
            folder,
            base,
            recipe,
            user,
            version=version,
            parent=base.version,
            rows=sum(rows.splits.values()),
            columns=copy.columns,
            mapping=copy.mapping,
            splits={name: rows.splits[name] for name in SPLITS if rows.splits[name]},
            hash=rows.hash.hexdigest(),
        )
    return get(DatasetRef(base.name, version))


def _refuse_saved(base: DatasetInfo) -> None:
    for number in version_numbers(base.name):
        recipe = get(DatasetRef(base.name, number)).recipe if number > base.version else {}
        if recipe.get("kind") in ("edits", "rows") and recipe["base"] == base.version:
            raise WrongState(
                f"The edits of {base.ref} were saved as version {number}.", f"Go on with {base.name}@{number}."
            )


def _refuse_brought_back(copy: WorkingCopy) -> None:
    """Deleted rows that somebody brought back in the meantime could not be carried over: they have to be written."""
    now = open_copy(copy.info)
    if now.seq != copy.seq and _deleted(copy) - _deleted(now):
        raise OvertakenError


def _deleted(copy: WorkingCopy) -> set[int]:
    with copy.connect() as connection:
        found = connection.execute(f"SELECT {ROW_ID} FROM rows WHERE {DELETED}").fetchall()
    return {row_id for (row_id,) in found}


class _Rows:
    """Writes the rows of a working copy, block by block in the order of their ids."""

    def __init__(self, copy: WorkingCopy, path: Path) -> None:
        self.hash = ContentHash(copy.columns, copy.mapping)
        self.splits: Counter[str] = Counter()
        self._copy, self._path = copy, path
        self._schema = schema(copy.columns)

    def write(self, progress: Progress | None) -> None:
        """Read a block while the one before it is packed: two at most are in memory."""
        with (
            self._copy.connect() as connection,
            storage.disk_errors(self._path),
            open_writer(self._path, self._copy.columns) as file,
            ThreadPoolExecutor(1) as background,
        ):
            packing: Future[None] = background.submit(lambda: None)
            for first, last in blocks(self._copy.info):
                rows = self._read(connection, first, last)
                packing.result()
                if progress:
                    progress(sum(self.splits.values()), self._copy.info.rows)
                packing = background.submit(self._pack, file, rows)
            packing.result()
            if progress:
                progress(self._copy.info.rows, self._copy.info.rows)
        with self._path.open("rb") as written:
            storage.sync(written)

    def _read(self, connection: duckdb.DuckDBPyConnection, first: int, last: int) -> pa.Table:
        listed = ", ".join(quoted(name) for name in self._schema.names)
        sql = f"SELECT {listed} FROM rows WHERE {ROW_ID} BETWEEN ? AND ? AND NOT {DELETED} ORDER BY {ROW_ID}"
        return connection.execute(sql, [first, last]).to_arrow_table().cast(self._schema)

    def _pack(self, file: pq.ParquetWriter, rows: pa.Table) -> None:
        self.hash.update(rows)
        for split in rows.column(SPLIT).value_counts().to_pylist():
            self.splits[split["values"]] += split["counts"]
        file.write_table(rows, row_group_size=GROUP_ROWS)
