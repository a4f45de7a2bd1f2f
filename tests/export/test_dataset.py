"""Export: every ending holds the same texts, and a file is written whole or not at all."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.errors import BadInput, NotFound, StorageError
from lib.export.dataset import ENDINGS, export_dataset
from lib.formats import parse
from tests.formats.tokenizers_for_tests import llama3_like
from tests.helpers import write_lines

ROWS = [
    {"instruction": "Say \"hi\",\nthen 'bye'; ü", "input": "", "output": "hi, bye \U0001f600"},
    {"instruction": "Add", "input": "2\r\n3", "output": "5"},
    *({"instruction": f"Count to {n}", "input": "", "output": ", ".join(map(str, range(n)))} for n in range(2, 30)),
]


@pytest.fixture
def info(tmp_path):
    import_source(str(write_lines(tmp_path / "rows.jsonl", ROWS)), "rows")
    return datasets.get("rows")


def read(path: Path) -> list[str]:
    match path.suffix:
        case ".jsonl":
            return [json.loads(line)["text"] for line in path.read_text().splitlines()]
        case ".json":
            return [row["text"] for row in json.loads(path.read_text())]
        case ".csv":
            with path.open(newline="") as file:
                return [row["text"] for row in csv.DictReader(file)]
    return pq.read_table(path)["text"].to_pylist()


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_holds_the_texts(info, tmp_path, ending):
    out = tmp_path / "deep" / f"text{ending}"
    report = export_dataset(info, "alpaca-input", out)
    assert (report.rows, report.left_out) == (30, 0)
    texts = read(out)
    expected = [conversation for _, conversation in datasets.conversations(info)]
    assert [parse(text, "alpaca-input") for text in texts] == expected
    assert list(out.parent.iterdir()) == [out]


def test_splits_and_a_models_own_tokens(info, tmp_path):
    out = tmp_path / "test.jsonl"
    assert export_dataset(info, "llama3", out, split="test").rows == info.splits["test"]
    folder = llama3_like(tmp_path / "model")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_text("")
    export_dataset(info, "llama3", tmp_path / "own.jsonl", tokenizer=str(folder))
    assert read(tmp_path / "own.jsonl")[0].startswith("<|begin_of_text|>")


def test_faults_are_named_and_leave_the_old_file(info, tmp_path):
    out = tmp_path / "text.jsonl"
    out.write_text("old")
    for template, path, kind in [
        ("llama2", tmp_path / "text.xml", BadInput),
        ("nope", out, NotFound),
    ]:
        with pytest.raises(kind) as caught:
            export_dataset(info, template, path)
        assert caught.value.hint
    assert out.read_text() == "old"


def test_rows_that_the_template_cannot_carry(tmp_path):
    rows = [*ROWS[:10], {"instruction": "What is [/INST] for?", "input": "", "output": "It ends a turn."}]
    import_source(str(write_lines(tmp_path / "rows.jsonl", rows)), "rows", test_fraction=0)
    info, out = datasets.get("rows"), tmp_path / "text.csv"
    with pytest.raises(BadInput, match=r"Row 11: .*INST") as caught:
        export_dataset(info, "llama2", out)
    assert "--keep-good" in caught.value.hint
    assert not out.exists() and not list(tmp_path.glob(".*.part"))
    report = export_dataset(info, "llama2", out, keep_good=True)
    assert (report.rows, report.left_out, list(report.reasons.values())) == (10, 1, [1])
    assert len(read(out)) == 10


def test_places_that_cannot_be_written(info, tmp_path, small_disk):
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "folder.jsonl", tmp_path / "file" / "text.jsonl"):
        with pytest.raises(StorageError, match="cannot be written"):
            export_dataset(info, "alpaca-input", out)
    (small_disk / "filler").write_bytes(b"x" * (1 << 20))
    with pytest.raises(StorageError, match="is full"):
        export_dataset(info, "alpaca-input", small_disk / "text.jsonl")
    assert [file.name for file in small_disk.iterdir()] == ["filler"]
