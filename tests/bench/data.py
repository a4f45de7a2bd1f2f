"""Import and render of question and answer rows beside DuckDB's read and `datasets.map` on the same rows.

A million rows, or as many as BENCH_ROWS says; their file stays in the folder for temporary files, for the next time.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from lib.formats.alpaca import WITH_INPUT, WITHOUT_INPUT
from lib.settings import ROOT
from tests.memory import measured

ROWS = int(os.environ.get("BENCH_ROWS", "1_000_000"))
IMPORT = """
import time
from lib.data.imports.importer import import_source
began = time.perf_counter()
report = import_source(sys.argv[1], "bench")
result = [time.perf_counter() - began, report.rows]
"""


def measure() -> list[tuple[str, str, str, str, str]]:
    """One pass each, in a home of its own."""
    source = Path(tempfile.gettempdir()) / f"tandem-bench-{ROWS}.jsonl"
    if not source.exists():
        _write(source)
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, STUDIO_HOME=folder):
        return [_import(source, Path(folder)), _render()]


def _write(path: Path) -> None:
    """Rows of some 640 bytes: each asks something else, and has three of the sample's answers."""
    sample = (ROOT / "studio" / "samples" / "medical-terms" / "rows.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in sample.splitlines()]
    part = path.with_suffix(".part")
    with part.open("w") as file:
        for number in range(ROWS):
            some = [rows[number * step % len(rows)] for step in (1, 89, 7919 + number // len(rows))]
            question = f"{number}: {some[0]['instruction']} {some[1]['instruction']}"
            row = {"instruction": question, "input": "", "output": " ".join(row["output"] for row in some)}
            file.write(json.dumps(row) + "\n")
    part.rename(path)


def _timed(function: Callable[[], Any]) -> float:
    os.sync()  # what was written before must not be put on the disk in this time
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _import(source: Path, folder: Path) -> tuple[str, str, str, str, str]:
    import duckdb

    target = folder / "baseline.parquet"
    plain = _timed(lambda: duckdb.sql(f"COPY (FROM read_json('{source}')) TO '{target}' (COMPRESSION zstd)"))
    (seconds, kept), peak = measured(IMPORT, str(source))
    return (
        f"import {kept:,} rows ({source.stat().st_size / 1e6:.0f} MB)",
        f"{seconds:.2f} s, {peak / 1e6:.0f} MB of memory",
        f"{plain:.2f} s (duckdb alone)",
        f"{seconds / plain:.2f}",
        "<= 10 s, or <= 2.0 (at 1 M rows)",
    )


def _render() -> tuple[str, str, str, str, str]:
    import datasets as hugging_face

    from lib.data import datasets
    from lib.data.versions.review import unsaved
    from lib.export.dataset import export_dataset
    from lib.export.options import ExportOptions

    info = datasets.get("bench")
    unsaved(info)  # a home has its database long before anything is exported
    hugging_face.disable_caching()  # what it kept from an earlier pass would be no measurement
    hugging_face.disable_progress_bars()
    rows = hugging_face.Dataset.from_parquet(str(info.rows_file), cache_dir=str(info.path))
    target, out = info.path.parent / "baseline.parquet", info.path.parent / "out.parquet"
    baseline = _timed(lambda: rows.map(_alpaca, batched=True, remove_columns=rows.column_names).to_parquet(str(target)))
    ours = _timed(lambda: export_dataset(info, ExportOptions(template="alpaca"), out))
    assert _texts(out) == _texts(target), "both wrote the same"
    return (
        "render to Parquet, rows/s",
        f"{ROWS / ours:,.0f}",
        f"{ROWS / baseline:,.0f} (datasets.map)",
        f"{baseline / ours:.2f}",
        ">= 250,000, >= 2x",
    )


def _alpaca(columns: dict[str, list[str]]) -> dict[str, list[str]]:
    """The text of Stanford's code: two wordings, with an input and without."""
    triples = zip(columns["instruction"], columns["input"], columns["output"], strict=True)
    return {
        "text": [
            (
                f"{WITH_INPUT}\n\n### Instruction:\n{question}\n\n### Input:\n{about}\n\n### Response:{answer}</s>"
                if about
                else f"{WITHOUT_INPUT}\n\n### Instruction:\n{question}\n\n### Response:{answer}</s>"
            )
            for question, about, answer in triples
        ]
    }


def _texts(path: Path) -> tuple[int, list[str]]:
    """How many rows a file has, and the first of them."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.metadata.num_rows, next(file.iter_batches(1000)).column("text").to_pylist()
