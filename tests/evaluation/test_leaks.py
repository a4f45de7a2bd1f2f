"""Questions that a run was trained on are found, marked, and left out of the figures that count."""

from __future__ import annotations

import shutil

import pytest

from lib.data.imports.importer import import_source
from lib.evaluation import comparisons, prompt_sets
from lib.evaluation.metrics import METRICS
from lib.storage import dataset_dir
from tests.helpers import write_lines

TRAINED = {"instruction": "Add 3 and 3.", "input": "", "output": "The answer is 6.", "split": "test"}


def kinds(view):
    return [warning["kind"] for warning in view.result["warnings"]]


@pytest.fixture
def mixed(studio_home, tmp_path):
    """A dataset of which two rows of eight are known to runs on `sums`: one as it is, one with another answer."""
    known = [TRAINED, TRAINED | {"instruction": "add 4 AND 4", "output": "It must be eight."}]
    fresh = [
        {"instruction": f"Name fruit number {n} of {word}.", "input": "", "output": f"A {word}.", "split": "test"}
        for n, word in enumerate(["pears", "plums", "figs", "dates", "limes", "kiwis"])
    ]
    import_source(str(write_lines(tmp_path / "mixed.jsonl", [*known, *fresh])), "mixed")
    return "mixed"


def test_leaked_rows_are_not_among_the_figures(run, mixed, compare):
    view = compare([run.id], data=mixed, metrics=tuple(METRICS))
    assert view.result["leaks"] == {run.id: {"exact": 1, "question": 1, "near": 0}}
    assert view.result["leaked"] == 2 and view.result["rows"] == 8 and kinds(view) == ["leaks"]
    stored = comparisons.outputs(view.id)
    assert [prompt for prompt, leaked in zip(stored["prompt"], stored["leaked"], strict=True) if leaked] == [
        "Add 3 and 3.",
        "add 4 AND 4",
    ]
    clean, whole = view.result["models"], view.result["with_leaks"]["models"]
    assert clean["tiny"]["chrf"]["n"] == 6 and whole["tiny"]["chrf"]["n"] == 8
    assert {pair["metric"]: pair["n"] for pair in view.result["pairs"]}["rougeL"] == 6
    for side in view.sides:
        for metric, number in (("chrf", 6), ("perplexity", 6)):
            rows, scores = comparisons.scores(view, metric, side)
            assert len(rows) == number and scores.mean == pytest.approx(clean[side][metric]["mean"])
            _, scores = comparisons.scores(view, metric, side, clean=False)
            assert scores.mean == pytest.approx(whole[side][metric]["mean"])


def test_where_every_question_was_trained_on_that_is_said(run, compare):
    view = compare([run.id], split="train", limit=5, metrics=("chrf",))
    assert view.result["leaked"] == 5 and view.result["models"]["tiny"]["chrf"]["n"] == 5
    assert view.result["with_leaks"] is None
    assert "memorised" in view.result["warnings"][-1]["text"]


def test_prompts_of_a_set_may_leak_too(run, compare):
    for text in ("Add 3 and 3.", "Name a fruit."):
        prompt_sets.add("smoke", [{"role": "user", "content": text}])
    view = compare([run.id], prompt_set="smoke", metrics=("distinct1",))
    assert view.result["leaks"] == {run.id: {"exact": 0, "question": 1, "near": 0}}


def test_data_that_is_gone_is_said(run, mixed, compare):
    shutil.rmtree(dataset_dir("sums"))
    view = compare([run.id], data=mixed, metrics=("chrf",))
    assert view.result["leaked"] == 0 and view.result["leaks"] == {}
    assert kinds(view) == ["leaks_unknown"] and "no dataset sums" in view.result["warnings"][0]["text"]
