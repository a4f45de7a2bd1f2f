"""Import and render of 100,000 question and answer rows beside DuckDB's read and `datasets.map` on the same rows."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

ROWS = 100_000


def measure() -> list[tuple[str, str, str, str, str]]:
    """One pass each, in a home of its own."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, STUDIO_HOME=folder):
        source = Path(folder) / "rows.jsonl"
        _write(source)
        return [_import(source), _render()]


def _write(path: Path) -> None:
    with path.open("w") as file:
        for number in range(ROWS):
            words = " ".join(f"word{(number * 31 + index) % 9973}" for index in range(60))
            row = {"instruction": f"Question {number}: {words[:80]}?", "input": "", "output": words}
            file.write(json.dumps(row) + "\n")


def _timed(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _import(source: Path) -> tuple[str, str, str, str, str]:
    import duckdb

    from lib.data.importer import import_source

    target = source.with_suffix(".parquet")
    plain = _timed(lambda: duckdb.sql(f"COPY (FROM read_json('{source}')) TO '{target}' (COMPRESSION zstd)"))
    ours = _timed(lambda: import_source(str(source), "bench"))
    what = f"import {ROWS:,} rows ({source.stat().st_size / 1e6:.0f} MB)"
    return what, f"{ours:.2f} s", f"{plain:.2f} s (duckdb alone)", f"{ours / plain:.2f}", "<= 2.0 (at 1 M rows)"


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
