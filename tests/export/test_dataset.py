"""Export to a file: every ending holds the same rows, and a file is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib import scratch
from lib.data import datasets
from lib.data.edits import edit
from lib.data.versions import save
from lib.errors import BadInput, BadSettings, ModelError, NotFound, Stopped, StorageError
from lib.export.dataset import export_dataset, export_folder
from lib.export.options import FORMATS, ExportOptions
from lib.formats import parse, saved
from tests.export.files import dataset, read, texts
from tests.formats.tokenizers_for_tests import llama3_like
from tests.helpers import THOROUGH
from tests.memory import measured

ROWS = [
    {"instruction": "Say \"hi\",\nthen 'bye'; ü", "input": "", "output": "hi, bye \U0001f600"},
    {"instruction": "Add", "input": "2\r\n3", "output": "5"},
    *({"instruction": f"Count to {n}", "input": "", "output": ", ".join(map(str, range(n)))} for n in range(2, 30)),
]
ALPACA = ExportOptions(template="alpaca-input")
TAGS = {"instruction": "What is [/INST] for?", "input": "", "output": "It ends a turn."}


@pytest.fixture
def info(tmp_path):
    return dataset(tmp_path, ROWS, test_fraction=0.2)


@pytest.fixture
def model(tmp_path) -> str:
    folder = llama3_like(tmp_path / "model")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_text("")
    return str(folder)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_ending_holds_the_texts(info, tmp_path, ending):
    out = tmp_path / "deep" / f"text{ending}"
    told = []
    report = export_dataset(info, ALPACA, out, lambda *numbers: told.append(numbers))
    assert (report.rows, report.left_out, told) == (30, 0, [(30, 30)])
    assert [(file.name, file.rows, file.bytes) for file in report.files] == [(out.name, 30, out.stat().st_size)]
    expected = [conversation for _, conversation in datasets.conversations(info)]
    assert [parse(text, "alpaca-input") for text in texts(out)] == expected
    assert list(out.parent.iterdir()) == [out]


def test_splits_and_a_models_own_tokens(info, tmp_path, model):
    out = tmp_path / "test.jsonl"
    options = ExportOptions(template="llama3", split="test")
    assert export_dataset(info, options, out).rows == info.splits["test"]
    export_dataset(info, ExportOptions(template="llama3", tokenizer=model), tmp_path / "own.jsonl")
    assert texts(tmp_path / "own.jsonl")[0].startswith("<|begin_of_text|>")
    with pytest.raises(BadInput, match="no split 'tset'") as caught:
        export_dataset(info, ExportOptions(template="llama3", split="tset"), out)
    assert "test" in caught.value.hint


def test_faults_are_named_and_leave_the_old_file(info, tmp_path):
    out = tmp_path / "text.jsonl"
    out.write_text("old")
    for options, path, kind in [
        (ALPACA, tmp_path / "text.xml", BadInput),
        (ExportOptions(template="nope"), out, NotFound),
        (ExportOptions(template="llama2", tokenizer="nope"), out, NotFound),
        (ExportOptions(template="model"), out, ModelError),
        (ExportOptions(), out, BadSettings),
        (ExportOptions("ids", template="llama2"), out, BadSettings),
        (ExportOptions("rows", max_length=0, long_rows="fold"), out, BadSettings),
    ]:
        with pytest.raises(kind) as caught:
            export_dataset(info, options, path)
        assert caught.value.hint
    assert set(caught.value.faults) == {"columns", "max_length", "long_rows"}
    assert out.read_text() == "old" and [path.name for path in tmp_path.glob(".*")] == []


def test_rows_that_the_template_cannot_carry(tmp_path):
    info, out = dataset(tmp_path, [*ROWS[:10], TAGS, TAGS]), tmp_path / "text.csv"
    with pytest.raises(BadInput, match=r"Row 11: .*INST") as caught:
        export_dataset(info, ExportOptions(template="llama2"), out)
    assert "--keep-good" in caught.value.hint
    assert not out.exists() and not list(tmp_path.glob(".*.part"))
    report = export_dataset(info, ExportOptions(template="llama2", keep_good=True), out)
    assert (report.rows, report.left_out, list(report.reasons.values())) == (10, 2, [2])
    assert list(report.examples.values()) == [11]
    assert len(texts(out)) == 10
    escaped = export_dataset(info, ExportOptions(template="llama2", escape=True), out)
    assert escaped.rows == 12 and "What is [\\/INST] for?" in texts(out)[-1]
    with pytest.raises(BadInput, match=r"No row of .* is left to write .*INST"):
        export_dataset(dataset(tmp_path, [TAGS]), ExportOptions(template="llama2", keep_good=True), out)


def test_rows_on_which_a_template_of_ones_own_fails(tmp_path):
    source = (
        "{% set _ = 1 // (messages[0].content | length - 3) %}{% for m in messages %}{{ m.role }}: {{ m.content }}\n"
    )
    saved.save("picky", source + "{% endfor %}", "ann")
    rows = [{"instruction": text, "output": "x"} for text in ("abcd", "abc")]
    info, out = dataset(tmp_path, rows), tmp_path / "text.jsonl"
    with pytest.raises(BadInput, match=r"Row 2: The template picky@1, line 1, column 4") as caught:
        export_dataset(info, ExportOptions(template="picky"), out)
    assert "template" in caught.value.hint and "--keep-good" in caught.value.hint
    report = export_dataset(info, ExportOptions(template="picky", keep_good=True), out)
    assert (report.rows, report.left_out, texts(out)) == (1, 1, ["user: abcd\nassistant: x\n"])


def test_files_with_long_names(info, tmp_path):
    for name in ("n" * 240, "語" * 78, "a\nb"):
        out = tmp_path / f"{name}.jsonl"
        assert export_dataset(info, ALPACA, out).rows == 30 and out.exists()
        assert export_folder(info, ALPACA, tmp_path / name, "csv").rows == 30


def test_rejected_rows_and_unsaved_edits(info, tmp_path):
    out = tmp_path / "text.jsonl"
    edit(info, 1, 0, "ann", status="rejected")
    edit(info, 2, 0, "ann", values={"output": "five"})
    before = export_dataset(info, ALPACA, out)
    assert (before.rows, before.rejected, before.unsaved) == (30, 0, 2)
    assert "unsaved edits" in before.lines()[0]
    saved = save(info, "reviewed", "ann")
    after = export_dataset(saved, ALPACA, out)
    assert (after.rows, after.rejected, after.unsaved) == (29, 1, 0)
    assert after.rows == info.rows - len(datasets.rejected(saved)) and "five" in texts(out)[0]
    folder = export_folder(saved, ALPACA, tmp_path / "folder", ".jsonl")
    assert (folder.rows, folder.rejected) == (29, 1)


def test_no_csv_cell_starts_a_formula(tmp_path):
    starts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"]
    starts += [" =1", "\u3000-1", "\xa0@a", "\ufeff=1", "\u200b＝1", "\x00+1", " \n\v -1", "\t", "\rx"]
    harmless = ["'=1", "a=1", " a -1", "", " ", "1-2", '"=1', ",=1", ";=1", "é="]
    rows = [{"instruction": start, "input": "plain", "output": start} for start in starts]
    plain = dataset(tmp_path, [{"instruction": "a", "input": "", "output": text} for text in harmless])
    assert export_dataset(plain, ExportOptions("alpaca"), tmp_path / "plain.csv").guarded == 0
    assert [row["output"] for row in read(tmp_path / "plain.csv")] == harmless
    info, out = dataset(tmp_path, rows), tmp_path / "rows.csv"
    report = export_dataset(info, ExportOptions("alpaca"), out)
    assert report.guarded == 2 * len(starts) and "apostrophe" in report.lines()[0]
    assert [row["output"] for row in read(out)] == ["'" + start for start in starts]
    assert {row["input"] for row in read(out)} == {"plain"}
    assert export_dataset(info, ExportOptions("messages"), out).guarded == 0, "a cell of JSON starts with a bracket"


def test_texts_without_the_outer_tokens(tmp_path):
    rows = [{"messages": [{"role": role, "content": role[0]} for role in ("user", "assistant") * 2]}]
    info, out = dataset(tmp_path, rows), tmp_path / "text.jsonl"
    for template, text in {
        "llama2": "[INST] u [/INST] a </s><s>[INST] u [/INST] a ",
        "chatml": "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n" * 2,
        "llama3": "".join(
            f"<|start_header_id|>{role}<|end_header_id|>\n\n{role[0]}<|eot_id|>" for role in ("user", "assistant") * 2
        ),
    }.items():
        export_dataset(info, ExportOptions(template=template, specials=False), out)
        assert texts(out) == [text]


@pytest.mark.parametrize("ending", FORMATS)
def test_places_that_cannot_be_written(info, tmp_path, small_disk, ending):
    (tmp_path / f"folder{ending}").mkdir()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / f"folder{ending}", tmp_path / "file" / f"text{ending}"):
        with pytest.raises(StorageError, match="cannot be written"):
            export_dataset(info, ALPACA, out)
    (small_disk / "filler").write_bytes(b"x" * ((1 << 20) - 4096))
    many = dataset(tmp_path, [{"instruction": os.urandom(2000).hex(), "output": str(n)} for n in range(200)])
    for export in (
        lambda: export_dataset(many, ALPACA, small_disk / f"text{ending}"),
        lambda: export_folder(many, ALPACA, small_disk / "folder", ending),
    ):
        with pytest.raises(StorageError, match="is full"):
            export()
        assert [file.name for file in small_disk.iterdir()] == ["filler"]


def test_a_stop_leaves_nothing(info, tmp_path):
    def stop(done: int, total: int | None) -> None:
        raise Stopped("stopped")

    place = tmp_path / "place"
    for export in (
        lambda: export_dataset(info, ALPACA, place / "text.csv", stop),
        lambda: export_folder(info, ALPACA, place / "folder", ".csv", stop),
    ):
        with pytest.raises(Stopped):
            export()
        assert list(place.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_place_where_no_folder_can_be_made(info):
    with pytest.raises(StorageError, match="cannot be written"):
        export_dataset(info, ALPACA, Path("/proc/nonesuch/rows.csv"))


def test_what_a_killed_process_left_is_swept(info, tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from lib import scratch\n"
        "with scratch.new_file(Path(sys.argv[1])) as path:\n    path.write_text('half')\n    os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "text.jsonl")], check=False)
    (left,) = tmp_path.glob(".*.part")
    alive = re.sub(r"\.\d+-", f".{os.getpid()}-", left.name)
    others = [left.with_name(alive), left.with_name(left.name.replace(".part", "-other.part"))]
    for other in others:
        other.write_text("of a process at work, of another machine")
    export_dataset(info, ALPACA, tmp_path / "text.jsonl")
    assert not left.exists() and all(other.exists() for other in others)
    with contextlib.suppress(StorageError), scratch.new_folder(tmp_path / "folder") as folder:
        (folder / "file").write_text("whole")
    assert (tmp_path / "folder" / "file").exists()


@pytest.mark.parametrize("columns", ["messages", *(["text"] if THOROUGH > 1 else [])])
def test_memory_does_not_grow_with_the_rows(tmp_path, columns):
    code = """
import sys
from pathlib import Path
from lib.data.datasets import get
from lib.export.dataset import export_dataset
from lib.export.options import ExportOptions
export_dataset(get(sys.argv[1]), ExportOptions(sys.argv[2], template="llama2"), Path(sys.argv[3]))
result = 0
"""
    answer = "word " * 1000
    peaks = []
    for size in (15_000, 45_000):  # fewer do not fill the buffers that the writer keeps anyway
        rows = [{"instruction": f"{n}", "output": answer} for n in range(size)]
        arguments = dataset(tmp_path, rows).ref, columns, str(tmp_path / "out.parquet")
        peaks.append(measured(code, *arguments)[1])
    assert peaks[1] - peaks[0] < 30_000 * len(answer), "not one copy of the rows added is held at once"
