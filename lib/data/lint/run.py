"""All rows of a working copy through the lint, into a file.

lint/<name>/v0001/<settings>.parquet     a line a row: row id, prompt, answer and all tokens, findings

Tokens are null for a row that training leaves out. The file's metadata is the summary. A version keeps its newest
files only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lib import scratch
from lib.data.checks.helpers import batches
from lib.data.columns import ROW_ID, STATUS
from lib.data.edits.conversations import conversations
from lib.data.edits.overlay import DELETED
from lib.data.edits.working import WorkingCopy
from lib.data.lint.settings import LintSettings
from lib.data.lint.tally import Tally
from lib.formats.lint import Linted, Linter
from lib.progress import Progress

METADATA = "tandem"
KEPT = 12  # files of a version: earlier settings are often looked at again
_FINDING = pa.struct([("kind", pa.string()), ("detail", pa.string()), ("message", pa.int32())])
SCHEMA = pa.schema(
    [
        ("row_id", pa.int64()),
        ("prompt", pa.int32()),
        ("answer", pa.int32()),
        ("total", pa.int32()),
        ("findings", pa.list_(_FINDING)),
    ]
)


def lint(copy: WorkingCopy, settings: LintSettings, progress: Progress | None = None) -> dict[str, Any]:
    """Look at every row that is neither deleted nor rejected, keep what was found, and return the summary.

    `progress` gets the rows done and about all rows; what it raises ends the lint, and an earlier file stays.

    Raises:
        NotFound, ModelError: no such template or model, or one that cannot be used.
        BadInput: a row that the mapping does not read.
        StorageError: disk full, or a stored file is missing or damaged.
    """
    linter, info = settings.linter(), copy.info
    path = settings.file(info)
    tally = Tally()
    # Two may run at once.
    with scratch.new_file(path) as target, pq.ParquetWriter(target, SCHEMA, compression="zstd") as file:
        for batch in _looked_at(copy, linter, tally, progress):
            file.write_batch(batch)
        summary = {
            "data": info.ref,
            "seq": copy.seq,
            "settings": settings.to_dict(),
            "fingerprint": settings.fingerprint(),
            **tally.summary(settings, linter),
        }
        file.add_key_value_metadata({METADATA: json.dumps(summary, ensure_ascii=False)})
    _sweep(path.parent)
    return summary


def _looked_at(copy: WorkingCopy, linter: Linter, tally: Tally, progress: Progress | None) -> Iterator[pa.RecordBatch]:
    rejected = _rejected(copy)
    rows = (row for row in conversations(copy) if row[0] not in rejected)
    for batch in batches(rows):
        linted = linter([conversation for _, conversation in batch])
        for (row_id, conversation), one in zip(batch, linted, strict=True):
            tally.add(row_id, conversation, one, linter)
        if progress:
            progress(tally.rows, max(tally.rows, copy.info.rows))
        yield _batch([row_id for row_id, _ in batch], linted)


def _rejected(copy: WorkingCopy) -> frozenset[int]:
    """Training passes them over, and so does the lint."""
    with copy.connect() as connection:
        found = connection.execute(f"SELECT {ROW_ID} FROM rows WHERE {STATUS} = 'rejected' AND NOT {DELETED}")
        return frozenset(row_id for (row_id,) in found.fetchall())


def _batch(row_ids: list[int], linted: list[Linted]) -> pa.RecordBatch:
    columns = [
        row_ids,
        [one.prompt for one in linted],
        [None if one.tokens is None else one.answer for one in linted],
        [one.total for one in linted],
        [[finding.to_dict() for finding in one.findings] for one in linted],
    ]
    arrays = [pa.array(values, column.type) for values, column in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _sweep(folder: Path) -> None:
    for file in _newest_first(folder, "*.parquet")[KEPT:]:
        file.unlink(missing_ok=True)


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    """Files that are there; another process may be taking some away."""
    times = {}
    for file in folder.glob(pattern):
        with suppress(FileNotFoundError):
            times[file] = file.stat().st_mtime
    return sorted(times, key=lambda file: times[file], reverse=True)
