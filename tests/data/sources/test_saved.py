"""Folders that `datasets` saved, and data sets of the Hub by revision and split."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import datasets as hugging_face
import pytest

from lib.data import datasets
from lib.data.imports.importer import import_source, inspect_source
from lib.data.sources import hub
from lib.data.sources.hub import HubSource
from lib.data.sources.source import HUB_ID, open_source
from lib.errors import BadInput, StudioError

ROWS = [{"question": f"q{n}", "answer": f"a{n}"} for n in range(30)]


@pytest.fixture
def saved(tmp_path: Path) -> hugging_face.Dataset:
    return hugging_face.Dataset.from_list(ROWS)


def values(name: str) -> list[tuple[str, str]]:
    return [(row["question"], row["_split"]) for row in datasets.page(datasets.get(name), limit=100).rows]


def test_a_saved_data_set_in_its_order(tmp_path: Path, saved):
    saved.select([7, 3, 5]).save_to_disk(tmp_path / "picked", num_shards=2)
    report = import_source(str(tmp_path / "picked"), "picked")
    assert [question for question, _ in values("picked")] == ["q7", "q3", "q5"]
    assert report.notes[0] == "picked is a saved data set."


def test_splits_of_a_saved_data_set_are_the_splits_of_its_rows(tmp_path: Path, saved):
    splits = {"test": saved.select(range(4)), "train": saved.select(range(4, 30))}
    hugging_face.DatasetDict(splits).save_to_disk(tmp_path / "both")
    report = import_source(str(tmp_path / "both"), "both")
    assert report.splits == {"train": 26, "test": 4} and report.mapping["split"] == "split"
    assert values("both")[:5] == [*((f"q{n}", "test") for n in range(4)), ("q4", "train")]


def test_a_split_beside_a_column_of_that_name(tmp_path: Path):
    rows = hugging_face.Dataset.from_list([{**row, "split": "blue"} for row in ROWS])
    hugging_face.DatasetDict(train=rows, validation=rows).save_to_disk(tmp_path / "both")
    assert import_source(str(tmp_path / "both"), "both").splits == {"train": 30, "validation": 30}


def test_unknown_splits_are_told_and_kept_as_a_column(tmp_path: Path, saved):
    hugging_face.DatasetDict(train=saved, unsupervised=saved).save_to_disk(tmp_path / "odd")
    report = import_source(str(tmp_path / "odd"), "odd")
    assert report.rows == 60 and report.mapping["split"] is None
    assert any("unsupervised is none of train" in note for note in report.notes)
    assert {row["split_name"] for row in datasets.page(datasets.get("odd"), limit=60).rows} == {"train", "unsupervised"}


def test_damaged_saved_folders_are_named(tmp_path: Path, saved):
    folder = tmp_path / "saved"
    saved.save_to_disk(folder)
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, "_indices_data_files": [{"filename": "indices.arrow"}]}))
    with pytest.raises(BadInput, match="order apart"):
        open_source(str(folder))
    (folder / "state.json").write_text("{}")
    with pytest.raises(BadInput, match=r"state.json cannot be read"):
        open_source(str(folder))
    (folder / "state.json").write_text(json.dumps(state))
    next(folder.glob("*.arrow")).unlink()
    with pytest.raises(BadInput, match="is missing"):
        open_source(str(folder))


def test_files_of_a_folder_that_differ_are_told_by_name(write_rows, tmp_path: Path):
    write_rows([{"question": "q", "answer": "a"}], "mixed/a.jsonl")
    write_rows([{"question": "q", "answer": "a", "topic": "t"}], "mixed/b.jsonl")
    assert not [note for note in inspect_source(str(tmp_path / "mixed")).notes if "differ" in note]
    write_rows([{"instruction": "i", "output": "o"}], "mixed/c.jsonl")
    [note] = [note for note in inspect_source(str(tmp_path / "mixed")).notes if "differ" in note]
    assert "a.jsonl (question, answer)" in note and "c.jsonl (instruction, output)" in note


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b", HubSource("a/b", None, "")),
        ("a/b:test", HubSource("a/b", None, "test")),
        ("a/b@v1.0", HubSource("a/b", "v1.0", "")),
        ("a/b@refs/convert/parquet:train", HubSource("a/b", "refs/convert/parquet", "train")),
    ],
)
def test_hub_ids(text, expected):
    assert HUB_ID.fullmatch(text) and HubSource.parse(text) == expected


def test_a_host_that_is_not_there_or_does_not_answer_is_said_soon(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "https://no-such-host.invalid")
    began = time.monotonic()
    with pytest.raises(StudioError, match=r"no-such-host.invalid cannot be reached") as caught:
        list(open_source("a/b@main").rows())
    assert "import those" in caught.value.hint
    monkeypatch.setattr(hub, "REACH_SECONDS", 0.3)
    with socket.socket() as silent:  # bound and not listening: knocking is refused; with a full queue, unanswered
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StudioError, match=r"127.0.0.1 cannot be reached"):
            list(open_source("a/b").rows())
    assert time.monotonic() - began < 10
