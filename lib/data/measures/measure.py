"""Measuring: the texts of a working copy's rows, batch by batch, into a file of measures.

measure(open_copy(info), "texts"); measure(open_copy(info), "tokens", "starter")

Only rows whose texts are not those that were measured before, in this version or the one it came from, are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lib import models, scratch, storage
from lib.data.columns import ROW_ID
from lib.data.datasets import quoted
from lib.data.edits.working import WorkingCopy
from lib.data.fields import COMPUTED, fields_of
from lib.data.measures.files import KEY, METADATA, Measured, What, file_of, key_of, measured
from lib.data.measures.profile import edges_of, useful_columns
from lib.data.measures.spread import spread
from lib.data.measures.texts import Reader, TextMeasures, TokenMeasures
from lib.formats import load_tokenizer
from lib.progress import Progress

BATCH_ROWS = 2048
GROUP_ROWS = 100_000
BATCH_BYTES = 4 << 20  # texts of one batch, so that memory does not grow with the length of rows
FEW_ROWS = 4096  # below, processes would take longer to start than to measure
Measure = TextMeasures | TokenMeasures


def measure(copy: WorkingCopy, what: What, model: str = "", progress: Progress | None = None) -> Measured:
    """Measure every row that has to be, and keep it. `progress` gets the rows done and all rows to do.

    Raises:
        NotFound, ModelError: no such model, or its tokenizer cannot be read.
        StorageError: disk full, or a stored file is missing or damaged.
    """
    function, tokenizer = _function(copy, what, model)
    path = file_of(copy.info, what, model)
    with scratch.new_file(path) as target, scratch.beside(path) as fresh, copy.connect() as connection:
        total = _find(connection, copy, function.schema, _earlier(copy, what, model, tokenizer))
        _write(fresh, function, _batches(connection, copy, total), total, progress)
        connection.execute(_all_measures(function.schema, fresh))
        result = _described(connection, copy, what, Measured(copy.seq, model, tokenizer))
        _store(connection, function.schema, result, target)
    return result


def _function(copy: WorkingCopy, what: What, model: str) -> tuple[Measure, str]:
    """What measures a batch, and the fingerprint of its tokenizer."""
    kinds = {column.name: column.kind for column in copy.columns if column.name in copy.mapping.columns.values()}
    reader = Reader(copy.mapping, kinds)
    if what == "texts":
        return TextMeasures(reader), ""
    tokenizer = load_tokenizer(models.find(model).path)
    return TokenMeasures(reader, tokenizer), tokenizer.fingerprint


def _earlier(copy: WorkingCopy, what: What, model: str, tokenizer: str) -> list[Path]:
    """Files whose measures still hold where the key is the same: this version's, or else its parent's."""
    info = copy.info
    own = file_of(info, what, model)
    parent = storage.measures_dir(info.name, info.parent) / own.name if info.parent else own
    files = [path for path in (own, parent) if (known := measured(path)) and known.tokenizer == tokenizer]
    return files[:1]


def _find(connection: duckdb.DuckDBPyConnection, copy: WorkingCopy, schema: pa.Schema, earlier: list[Path]) -> int:
    """Make the tables `kept`, measures that still hold, and `todo`, ids of other rows; how many those are.

    The engine must not hold the side of a join that has the texts.
    """
    connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
    connection.from_arrow(schema.empty_table()).create("kept")
    if not earlier:
        return copy.info.rows
    connection.from_parquet(str(earlier[0])).create_view("earlier")
    connection.execute(f"CREATE TABLE keys AS SELECT {ROW_ID}, {key_of(copy.mapping)} AS {KEY} FROM rows")
    connection.execute(f"INSERT INTO kept BY NAME SELECT earlier.* FROM earlier SEMI JOIN keys USING ({ROW_ID}, {KEY})")
    connection.execute(f"CREATE TABLE todo AS SELECT {ROW_ID} FROM keys ANTI JOIN kept USING ({ROW_ID})")
    return int(connection.execute("SELECT count(*) FROM todo").fetchall()[0][0])


def _batches(connection: duckdb.DuckDBPyConnection, copy: WorkingCopy, total: int) -> Iterator[pa.RecordBatch]:
    """Row ids, keys and the mapped columns of the rows to do."""
    if not total:
        return
    columns = [f"rows.{quoted(name)}" for name in sorted(set(copy.mapping.columns.values()))]
    listed = ", ".join([f"rows.{ROW_ID}", f"{key_of(copy.mapping)} AS {KEY}", *columns])
    some = f" WHERE rows.{ROW_ID} IN (SELECT {ROW_ID} FROM todo)" if total < copy.info.rows else ""
    reader = connection.execute(f"SELECT {listed} FROM rows{some}").to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield from _cut(batch)


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.nbytes <= BATCH_BYTES or batch.num_rows == 1:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _cut(batch.slice(0, half))
    yield from _cut(batch.slice(half))


def _write(
    path: Path, function: Measure, batches: Iterator[pa.RecordBatch], total: int, progress: Progress | None
) -> None:
    """Measures of all batches, in a file of their own."""
    apart = isinstance(function, TextMeasures) and total > FEW_ROWS
    done = 0
    with pq.ParquetWriter(path, function.schema) as file:
        for result in spread(function, batches) if apart else map(function, batches):
            file.write_batch(result)
            done += result.num_rows
            if progress:
                progress(done, total)


def _all_measures(schema: pa.Schema, fresh: Path) -> str:
    names = ", ".join(schema.names)
    file = str(fresh).replace("'", "''")
    return f"CREATE VIEW measures AS SELECT {names} FROM kept UNION ALL SELECT {names} FROM read_parquet('{file}')"


def _described(connection: duckdb.DuckDBPyConnection, copy: WorkingCopy, what: What, plain: Measured) -> Measured:
    """The same with bars and, for texts, the columns that are worth a facet."""
    numbers = [
        (field.name, field.expression.replace(f"{what}.", "measures."), True)
        for field in COMPUTED.values()
        if field.source == what and field.kind == "number"
    ]
    edges = edges_of(connection, "measures", numbers)
    if what == "tokens":
        return Measured(plain.seq, plain.model, plain.tokenizer, edges)
    roles = {column for role, column in copy.mapping.columns.items() if role == "split"}
    columns = useful_columns(connection, [column for column in copy.info.columns if column.name not in roles])
    known, kinds = fields_of(copy), {column.name: column.kind for column in copy.info.columns}
    fields = [known[f".{name}"] for name in columns if known[f".{name}"].kind == "number"]
    wanted = [(field.name, field.expression, kinds[field.label] == "integer") for field in fields]
    return Measured(plain.seq, edges={**edges, **edges_of(connection, "rows", wanted)}, columns=columns)


def _store(connection: duckdb.DuckDBPyConnection, schema: pa.Schema, result: Measured, target: Path) -> None:
    """Write the view `measures` in order of the row ids. Arrow writes, as it says when the disk is full."""
    described = schema.with_metadata({METADATA: result.to_json()})
    reader = connection.execute(f"SELECT * FROM measures ORDER BY {ROW_ID}").to_arrow_reader(GROUP_ROWS)
    with pq.ParquetWriter(target, described, compression="zstd") as file:
        for batch in reader:
            file.write_batch(batch.cast(described))
