"""A folder of splits with its card: the library `datasets` reads it with no network, whatever the rows hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import BadInput, StorageError
from lib.export.dataset import export_folder
from lib.export.markdown import code, fenced
from lib.export.options import FORMATS, ExportOptions
from tests.export.files import dataset, read

EVIL = "```\n---\nlicense: mit\n---\n# Title\n````\n<script>alert(1)</script> | `x`"
ROWS = [{"instruction": f"{n}: {EVIL}", "input": "", "output": f"answer {n}"} for n in range(40)]


@pytest.fixture
def info(tmp_path):
    return dataset(tmp_path, ROWS, test_fraction=0.25)


def head_of(folder: Path) -> dict:
    """The YAML head of a card, as the Hub reads it."""
    found = metadata_load(folder / "README.md")
    assert found is not None
    return found


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("columns", ["text", "messages", "alpaca"])
def test_datasets_reads_the_folder(info, tmp_path, ending, columns):
    import datasets

    out = tmp_path / "out"
    report = export_folder(info, ExportOptions(columns, template="llama2"), out, ending)
    assert sorted(path.name for path in out.iterdir()) == ["README.md", f"test{ending}", f"train{ending}"]
    assert {file.split: file.rows for file in report.files} == info.splits
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == info.splits
    for split, rows in loaded.items():
        # pandas reads an empty cell of CSV as a missing one
        found = [{name: value or "" for name, value in row.items()} for row in rows.to_list()]
        assert found == read(out / f"{split}{ending}")


def test_the_card_says_what_was_done(tmp_path):
    rows = [*ROWS, {"instruction": "[/INST]", "input": "", "output": "x"}]
    info = dataset(tmp_path, rows)
    options = ExportOptions(template="llama2", keep_good=True, licence="CC-BY-4.0", specials=False)
    export_folder(info, options, tmp_path / "out", ".jsonl")
    card = (tmp_path / "out" / "README.md").read_text()
    assert head_of(tmp_path / "out") == {
        "license": "cc-by-4.0",
        "pretty_name": f"{info.name} v1",
        "size_categories": ["n<1K"],
        "task_categories": ["text-generation"],
        "tags": ["tandem"],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "train.jsonl"}]},
        ],
    }
    for said in (
        f"Version 1 of the dataset {info.name}, 40 rows.",
        "| train | `train.jsonl` | 40 |",
        "| `text` | `string` |",
        info.hash,
        f"`{info.source}`",
        "Template: `llama2`",
        "1 left out: `llama2 cannot carry message 1 (user)",
        "`CC-BY-4.0`",
        "end token of each text is left out",
    ):
        assert said in card, said


def test_a_licence_that_the_hub_does_not_know(info, tmp_path):
    export_folder(info, ExportOptions("alpaca"), tmp_path / "none", ".csv")
    card = (tmp_path / "none" / "README.md").read_text()
    assert head_of(tmp_path / "none")["license"] == "unknown" and "Unknown" in card
    ours = 'Ours: "all rights"\n---\n# no'
    export_folder(info, ExportOptions("alpaca", licence=ours), tmp_path / "own", ".csv")
    head = head_of(tmp_path / "own")
    assert head["license"] == "other" and " ".join(head["license_name"].split()) == " ".join(ours.split())


def test_ids_and_long_rows(tmp_path, tiny_home):
    info = dataset(tmp_path, [*ROWS[:3], {"instruction": "long", "input": "", "output": "word " * 400}])
    options = ExportOptions("ids", "chatml", "tiny", max_length=256, long_rows="cut")
    export_folder(info, options, tmp_path / "out", ".parquet")
    card = (tmp_path / "out" / "README.md").read_text()
    for said in (
        "special tokens of `tiny`",
        "more than 256 tokens: cut",
        "1 row cut at the end",
        "list of int32",
        "-100",
    ):
        assert said in card, said
    assert len(card) < 6000


def test_a_folder_that_is_in_use_is_left_alone(info, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    export_folder(info, ExportOptions("alpaca"), out, ".csv")
    (out / "mine").write_text("mine")
    with pytest.raises(StorageError, match="not empty"):
        export_folder(info, ExportOptions("alpaca"), out, ".csv")
    assert (out / "mine").read_text() == "mine"
    with pytest.raises(BadInput, match="ending"):
        export_folder(info, ExportOptions("alpaca"), tmp_path / "other", ".xml")


def test_a_split_with_no_row_left_has_no_file(tmp_path):
    rows = [{"instruction": f"{n}", "output": "x", "split": "train"} for n in range(3)]
    info = dataset(tmp_path, [*rows, {"instruction": "[/INST]", "output": "x", "split": "test"}])
    report = export_folder(info, ExportOptions(template="llama2", keep_good=True), tmp_path / "out", ".jsonl")
    assert [file.name for file in report.files] == ["train.jsonl"]
    assert head_of(tmp_path / "out")["configs"][0]["data_files"] == [{"split": "train", "path": "train.jsonl"}]


@given(st.text(alphabet="`ab|\n\r #-", max_size=30))
def test_nothing_closes_its_code(text):
    first, *lines, last = fenced(text).split("\n")
    assert first == last and set(first) == {"`"}
    assert all(first not in line for line in lines)
    assert "\n" not in code(text) and "\r" not in code(text)


def test_a_cell_of_code_stays_one_cell():
    assert code("a | b ``c``") == "``` a \\| b ``c`` ```"
    assert code("") == "(empty)"
