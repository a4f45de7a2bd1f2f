"""The review table at a million rows: pages, search, filters, order, facets; beside DuckDB alone."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import psutil

from lib.data import datasets
from lib.data.edits import WorkingCopy, open_copy
from lib.data.filters import Query
from lib.data.table import Table
from lib.settings import settings
from tests.bench.rows import rows, write_rows

ROWS = int(os.environ.get("BENCH_ROWS", "1_000_000"))
TOKEN_ROWS = 50_000
Line = tuple[str, str, str, str, str]


def measure() -> list[Line]:
    """The best of three for what a person waits for, one pass for what a job does."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, STUDIO_HOME=folder):
        copy = _made(Path(folder))
        lines = [_texts(copy), *_queries(copy, "")]
        lines += _queries(_edited(copy), ", all rows edited")
        lines.append(("memory of the process", f"{_memory():,.0f} MB", "", "", ""))
    return [*lines, _tokens(settings.home / "models" / "starter")]


def _made(folder: Path) -> WorkingCopy:
    from lib.data.imports.importer import import_source

    source = folder / "rows.jsonl"
    write_rows(source, ROWS)
    import_source(str(source), "bench")
    source.unlink()
    return open_copy(datasets.get("bench"))


def _edited(copy: WorkingCopy) -> WorkingCopy:
    from lib.data.edits.bulk import change_all
    from lib.data.edits.operations import Operation

    change_all(copy.info, Query(), Operation("tag", "seen"), "bench")
    return open_copy(copy.info)


def _texts(copy: WorkingCopy) -> Line:
    from lib.data.measures.measure import measure as measure_rows

    plain = _seconds(lambda: _alone(copy, "SELECT sum(length(question)), sum(length(answer)) FROM rows"))
    ours = _seconds(lambda: measure_rows(copy, "texts"))
    what = f"lengths and language of {ROWS:,} rows"
    return what, f"{ours:.0f} s", f"{plain:.1f} s (duckdb, lengths only)", f"{ours / plain:.0f}", "<= 60 s"


def _queries(copy: WorkingCopy, how: str) -> list[Line]:
    from lib.data.facets import facets

    page = "SELECT * FROM rows ORDER BY _row_id LIMIT 50 OFFSET"
    found = "contains(lower(question), 'bursa') OR contains(lower(answer), 'bursa')"
    cases = [
        ("page", Query(), 0, f"{page} 0", 0.15),
        ("deep page", Query(), ROWS - 100, f"{page} {ROWS - 100}", 0.15),
        ("search", Query(search="bursa"), 0, f"SELECT * FROM rows WHERE {found} LIMIT 50", 1.5),
        (
            "filter",
            Query.parse([".source:is:source 3", "split:is:test"]),
            0,
            "SELECT * FROM rows WHERE source = 'source 3' AND _split = 'test' LIMIT 50",
            1.5,
        ),
        ("order by number", Query.parse(sort="-.score"), 0, "SELECT * FROM rows ORDER BY score DESC LIMIT 50", 1.5),
        ("order by text", Query.parse(sort=".answer"), 0, "SELECT * FROM rows ORDER BY answer LIMIT 50", 1.5),
    ]
    lines = []
    for name, query, offset, sql, budget in cases:
        plain = _best(lambda sql=sql: _alone(copy, sql))
        ours = _best(lambda query=query, offset=offset: Table(copy, query).page(50, offset))
        lines.append(_line(name + how, ours, plain, budget))
    for name, query in (("facets", Query()), ("facets, filtered", Query.parse([".source:is:source 3"]))):
        plain = _best(lambda: _alone(copy, "SELECT source, count(*) FROM rows GROUP BY source"))
        lines.append(_line(name + how, _best(lambda query=query: facets(Table(copy, query))), plain, 1.5))
    return lines


def _line(name: str, ours: float, plain: float, budget: float) -> Line:
    ratio = f"{ours / plain:.1f}"
    return f"{name}, {ROWS:,} rows", f"{ours:.2f} s", f"{plain:.2f} s (duckdb alone)", ratio, f"<= {budget} s"


def _alone(copy: WorkingCopy, sql: str) -> list[Any]:
    with duckdb.connect() as connection:
        connection.from_parquet(str(copy.info.rows_file)).create_view("rows")
        return connection.execute(sql).fetchall()


def _tokens(folder: Path) -> Line:
    """Both in turn, three times, so that other work on the machine meets both."""
    import pyarrow as pa
    from tokenizers import Tokenizer

    from lib.data.mapping import Mapping
    from lib.data.measures.texts import Reader, TokenMeasures
    from lib.formats import load_tokenizer

    table = pa.Table.from_pylist([{"_row_id": n, "_tandem_key": n, **row} for n, row in enumerate(rows(TOKEN_ROWS))])
    batches = table.to_batches(2048)
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    reader = Reader(Mapping({"user": "question", "assistant": "answer"}), {"question": "text", "answer": "text"})
    ours = TokenMeasures(reader, load_tokenizer(folder))
    texts = [[*batch.column("question").to_pylist(), *batch.column("answer").to_pylist()] for batch in batches]
    baseline = _best(lambda: [plain.encode_batch_fast(part, add_special_tokens=False) for part in texts])
    seconds = _best(lambda: [ours(batch) for batch in batches])
    return (
        "token lengths, rows/s",
        f"{TOKEN_ROWS / seconds:,.0f}",
        f"{TOKEN_ROWS / baseline:,.0f} (tokenizers alone)",
        f"{baseline / seconds:.2f}",
        ">= 0.80 of it",
    )


def _seconds(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _best(function: Callable[[], Any], times: int = 3) -> float:
    return min(_seconds(function) for _ in range(times))


def _memory() -> float:
    """Megabytes in use by this process."""
    return psutil.Process().memory_info().rss / 1e6
