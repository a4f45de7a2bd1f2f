"""Metric folders of `evaluate` that a team has: added without running them, loaded by path, one bad row at a time."""

from __future__ import annotations

import json
import math
import socket
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation.metrics import get_spec, list_metrics, score
from lib.evaluation.metrics.folders import add_folder, get_folder, list_folders, remove_folder
from studio.commands import rules as commands

SCRIPT = """
import datasets
import evaluate

class Team(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        references = {references}
        return evaluate.MetricInfo(
            description="", citation="",
            features=datasets.Features({{"predictions": text, "references": references}}),
        )

    def _compute(self, predictions, references):
        if "boom" in predictions:
            raise KeyError("boom")
        {body}
"""
MEAN = 'return {"shared": sum(p[:1] == r[:1] for p, r in zip(predictions, references)) / len(predictions)}'
EACH = 'return {"shared": [float(p[:1] == r[:1]) for p, r in zip(predictions, references)]}'
SEVERAL = 'return {"shared": float(predictions[0] in references[0]), "other": 3}'
ANSWERS, REFERENCES = ["ab", "boom", "xy", "q"], ["ac", "b", "yy", ""]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def written(tmp_path: Path, body: str = MEAN, references: str = "text", name: str = "first_letter") -> Path:
    folder = tmp_path / "theirs" / name
    folder.mkdir(parents=True)
    (folder / f"{name}.py").write_text(SCRIPT.format(body=body, references=references))
    return folder


@pytest.mark.parametrize("body", [MEAN, EACH])
def test_a_folder_scores_row_by_row_and_marks_what_fails(tmp_path: Path, body: str) -> None:
    folder = add_folder(written(tmp_path, body), "mine", "ann", higher_is_better=True, low=0, high=1)
    found = score("folder:mine", ANSWERS, REFERENCES)
    assert found.values == pytest.approx([1.0, math.nan, 0.0, math.nan], nan_ok=True)
    assert found.weights == [1.0, 0.0, 1.0, 0.0]
    assert found.mean == 0.5
    assert found.errors == {1: "KeyError: 'boom'"}
    spec = get_spec("folder:mine")
    assert folder.sha256[:12] in spec.signature and "first_letter" in spec.signature
    assert (spec.range, spec.higher_is_better) == ((0, 1), True)
    assert score("folder:mine", ["ab", "cd"], ["ac", "xx"]).values == [1.0, 0.0]


def test_several_references_and_results(tmp_path: Path) -> None:
    path = written(tmp_path, SEVERAL, "datasets.Sequence(text)")
    (path / "tandem.json").write_text('{"higher_is_better": true, "low": 0, "high": 1, "result": "shared"}')
    add_folder(path, "mine", "ann")
    assert score("folder:mine", ["ab", "no"], ["ab", "yes"]).values == [1.0, 0.0]
    add_folder(path, "unclear", "ann", result="nothing")
    errors = score("folder:unclear", ["ab"], ["ab"]).errors
    assert errors == {0: "compute gave no 'nothing', only shared, other."}


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    (path / "first_letter.py").write_text("import a_library_that_is_not_there\n")
    add_folder(path, "mine", "ann", higher_is_better=False, low=0)
    with pytest.raises(BadInput, match=r"mine cannot be loaded.*a_library_that_is_not_there"):
        score("folder:mine", ["a"], ["a"])


def test_adding_runs_nothing_and_asks_for_direction_and_range(tmp_path: Path) -> None:
    path = written(tmp_path)
    script = path / "first_letter.py"
    script.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n" + script.read_text())
    with pytest.raises(BadInput, match="higher_is_better, low"):
        add_folder(path, "mine", "ann")
    add_folder(path, "mine", "ann", higher_is_better=False, low=0)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(WrongState):
        add_folder(path, "mine", "ann", higher_is_better=False, low=0)
    with pytest.raises(BadInput, match="range"):
        add_folder(path, "other", "ann", higher_is_better=False, low=1, high=1)
    script.write_text("def broken(:\n")
    with pytest.raises(BadInput, match="line 1"):
        add_folder(path, "other", "ann", higher_is_better=False, low=0)
    with pytest.raises(BadInput, match="no metric folder"):
        add_folder(tmp_path, "other", "ann", higher_is_better=False, low=0)
    for text in ('{"low": 0, "speed": 3}', "{", '{"low": "a", "higher_is_better": 1}'):
        script.write_text("")
        (path / "tandem.json").write_text(text)
        with pytest.raises(BadInput):
            add_folder(path, "other", "ann")


def test_folders_are_listed_and_removed(tmp_path: Path, home: Path) -> None:
    add_folder(written(tmp_path), "mine", "ann", higher_is_better=True, low=0, high=1)
    (home / "metrics" / "torn").mkdir()
    (home / "metrics" / "torn" / "metric.json").write_text("{}")
    assert [folder.name for folder in list_folders()] == ["mine"]
    assert get_folder("mine").created_by == "ann"
    assert "folder:mine" in list_metrics()
    remove_folder("mine")
    for gone in (get_spec, score):
        with pytest.raises(NotFound):
            gone("folder:mine", *([["a"], ["a"]] if gone is score else []))


def test_commands_add_and_remove(tmp_path: Path) -> None:
    app = typer.Typer()
    commands.register(app)
    path = written(tmp_path)
    wrong = CliRunner().invoke(app, ["metrics", "add", str(path)])
    assert isinstance(wrong.exception, BadInput)
    done = CliRunner().invoke(app, ["metrics", "add", str(path), "--lower-is-better", "--low", "0", "--json"])
    assert json.loads(done.stdout.splitlines()[-1])["name"] == "first_letter"
    listed = json.loads(CliRunner().invoke(app, ["metrics", "--json"]).stdout)["metrics"]
    assert (listed[-1]["name"], listed[-1]["range"]) == ("folder:first_letter", [0.0, None])
    assert CliRunner().invoke(app, ["metrics", "remove", "first_letter"]).exit_code == 0
    assert list_folders() == []
