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

from lib.settings import ROOT
from tests.memory import measured

ROWS = int(os.environ.get("BENCH_ROWS", "1_000_000"))
IMPORT = """
import time
from lib.data.imports.importer import import_source
began = time.perf_counter()
report = import_source(sys.argv[1], "bench")
result = [time.perf_counter() - began, report.kept]
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
    from lib.export.dataset import export_dataset

    info = datasets.get("bench")
    rows = hugging_face.Dataset.from_parquet(str(info.rows_file), cache_dir=str(info.path))

    def batch(columns: dict[str, list[str]]) -> dict[str, list[str]]:
        pairs = zip(columns["instruction"], columns["output"], strict=True)
        return {"text": [f"### Instruction:\n{question}\n\n### Response:{answer}</s>" for question, answer in pairs]}

    target = str(info.path.parent / "baseline.parquet")
    baseline = _timed(lambda: rows.map(batch, batched=True, remove_columns=rows.column_names).to_parquet(target))
    ours = _timed(lambda: export_dataset(info, "alpaca", info.path.parent / "out.parquet"))
    return (
        "render to Parquet, rows/s",
        f"{ROWS / ours:,.0f}",
        f"{ROWS / baseline:,.0f} (datasets.map)",
        f"{baseline / ours:.2f}",
        ">= 250,000 (a later milestone)",
    )
