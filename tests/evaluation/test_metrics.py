"""Metrics against the libraries' own functions and against figures worked out by hand."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu
from rouge_score import rouge_scorer

from lib.errors import BadInput, NotFound
from lib.evaluation import metrics
from lib.evaluation.metrics import METRICS, Scores, aggregate, aggregate_rows, score, shown

PREDICTIONS = ["The quick brown dog jumps.", "Paris is the capital of France", "", "something", "  Forty   TWO "]
REFERENCES = ["The quick brown fox jumps over.", "The capital of France is Paris", "an answer", "", "forty two"]
LOSSES, TOKENS = [6.0, 2.0, 0.0], [3, 4, 0]

COLD_START = """
import json, socket, sys
def refuse(*args, **kwargs):
    raise OSError("no network in this test")
socket.socket.connect = socket.getaddrinfo = refuse
import lib.evaluation.statistics
from lib.evaluation.metrics import METRICS, score
heavy = sorted({"torch", "transformers", "evaluate", "datasets", "scipy", "streamlit"} & set(sys.modules))
scores = {name: score(name, ["a b"], ["a b"], [1.0], [2]).mean for name in METRICS}
print(json.dumps({"heavy": heavy, "scores": scores}))
"""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_rouge_l_is_the_librarys() -> None:
    scorer = rouge_scorer.RougeScorer(["rougeL"])
    expected = [scorer.score(r, p)["rougeL"].fmeasure for p, r in zip(PREDICTIONS, REFERENCES, strict=True)]
    found = score("rougeL", PREDICTIONS, REFERENCES)
    assert found.values == pytest.approx(expected)
    assert found.mean == pytest.approx(sum(expected) / 5)
    # 4 of 5 and 4 of 6 words in order: F1 = 2 * 4 / 11.
    assert found.values[0] == pytest.approx(8 / 11)


def test_chrf_is_sacrebleus_sentence_score() -> None:
    expected = [sacrebleu.sentence_chrf(p, [r]).score for p, r in zip(PREDICTIONS, REFERENCES, strict=True)]
    found = score("chrf", PREDICTIONS, REFERENCES)
    assert found.values == pytest.approx(expected)
    assert found.mean == pytest.approx(np.mean(expected))
    assert 0 < found.values[0] < 100


def test_chrf_keeps_sacrebleus_signature() -> None:
    metric = sacrebleu.CHRF()
    metric.corpus_score(["a"], [["a"]])
    assert str(metric.get_signature()) in METRICS["chrf"].signature


def test_exact_match_ignores_case_and_spacing_only() -> None:
    predictions = ["  Forty   TWO ", "Straße", "forty-two", "a\nb"]
    references = ["forty two", "STRASSE", "forty two", "a b"]
    assert score("exact_match", predictions, references).values == [1.0, 1.0, 0.0, 1.0]


def test_perplexity_by_hand() -> None:
    found = score("perplexity", [], [], losses=LOSSES, tokens=TOKENS)
    assert found.values == [2.0, 0.5, 0.0]
    assert found.weights == [3.0, 4.0, 0.0]
    assert found.mean == pytest.approx(math.exp(8.0 / 7.0))
    assert shown("perplexity", 0.5) == pytest.approx(math.exp(0.5))
    assert shown("chrf", 0.5) == 0.5


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [("", "text", (0.0, 0.0, 0.0)), ("text", "", (0.0, 0.0, 0.0)), ("", "", (0.0, 0.0, 1.0))],
)
def test_empty_texts_have_a_value(prediction: str, reference: str, expected: tuple[float, ...]) -> None:
    found = tuple(score(name, [prediction], [reference]).mean for name in ("rougeL", "chrf", "exact_match"))
    assert found == expected


def test_references_without_tokens_count_for_nothing() -> None:
    found = score("perplexity", [""], [""], losses=[0.0], tokens=[0])
    assert (found.values, found.weights) == ([0.0], [0.0])
    assert found.to_dict()["mean"] is None


@pytest.mark.parametrize("name", ["RougeL", "ChrF", "ExactMatch", "Perplexity"])
def test_classes_are_metrics_of_evaluate_with_one_shape(name: str) -> None:
    import evaluate

    metric = getattr(metrics, name)()
    assert isinstance(metric, evaluate.Metric)
    loss = metric.spec.needs == "loss"
    columns = {"losses": LOSSES, "tokens": TOKENS} if loss else {"predictions": PREDICTIONS, "references": REFERENCES}
    rows = 3 if loss else 5
    first, again = metric.compute(**columns), metric.compute(**columns)
    assert first == again
    assert set(first) == {metric.spec.name, "per_example", "weights"}
    assert len(first["per_example"]) == len(first["weights"]) == rows
    low, high = metric.spec.range
    assert low <= first[metric.spec.name] <= (math.inf if high is None else high)


def test_classes_take_batches_and_combine() -> None:
    import evaluate

    metric = metrics.ExactMatch()
    metric.add_batch(predictions=["a"], references=["a"])
    metric.add_batch(predictions=["b"], references=["c"])
    assert metric.compute()["exact_match"] == 0.5
    both = evaluate.combine([metrics.RougeL(), metrics.ChrF()]).compute(predictions=["a b"], references=["a b"])
    assert both["rougeL"] == 1.0
    assert both["chrf"] == pytest.approx(100.0)


def test_cold_start_is_light_offline_and_leaves_no_files(tmp_path: Path) -> None:
    home, scratch = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    scratch.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "XDG_"))}
    environment = {**kept, "HOME": str(home), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", COLD_START]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["heavy"] == []
    assert found["scores"] == pytest.approx({"rougeL": 1, "chrf": 100, "exact_match": 1, "perplexity": math.exp(0.5)})
    assert [path for folder in (home, scratch) for path in folder.rglob("*") if path.is_file()] == []


def test_every_metric_describes_itself() -> None:
    assert list(METRICS) == ["rougeL", "chrf", "exact_match", "perplexity"]
    for name, spec in METRICS.items():
        assert spec.name == name
        assert spec.label and spec.help and "version:" in spec.signature
        assert json.loads(json.dumps(spec.to_dict()))["range"] == list(spec.range)
    assert [name for name, spec in METRICS.items() if not spec.higher_is_better] == ["perplexity"]
    assert [name for name, spec in METRICS.items() if spec.needs == "loss"] == ["perplexity"]


def test_unknown_metric_lists_the_valid_ones() -> None:
    with pytest.raises(NotFound) as caught:
        score("bleurt", ["a"], ["a"])
    assert all(name in caught.value.hint for name in METRICS)
    with pytest.raises(AttributeError):
        _ = metrics.Bleurt


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("chrf", (["a"], ["a", "b"])),
        ("chrf", ([], [])),
        ("chrf", ([None], ["a"])),
        ("perplexity", (["a"], ["a"])),
        ("perplexity", ([], [], [1.0], [1, 2])),
        ("perplexity", ([], [], [math.nan], [1])),
        ("perplexity", ([], [], [math.inf], [1])),
    ],
)
def test_columns_that_cannot_be_scored_are_refused(name: str, columns: tuple[Any, ...]) -> None:
    with pytest.raises(BadInput):
        score(name, *columns)


def test_aggregate_over_the_last_axis() -> None:
    values = np.array([[1.0, 3.0], [0.0, 2.0]])
    weights = np.array([[3.0, 1.0], [1.0, 1.0]])
    assert aggregate_rows("chrf", values, weights) == pytest.approx([2.0, 1.0])
    assert aggregate_rows("perplexity", values, weights) == pytest.approx([math.exp(1.5), math.e])
    assert aggregate("perplexity", [1.0, 3.0], [3.0, 1.0]) == pytest.approx(math.exp(1.5))
    assert math.isnan(aggregate("perplexity", [1.0], [0.0]))
    assert math.isnan(aggregate("chrf", [], []))


def test_scores_as_plain_data() -> None:
    assert Scores([1.0], [1.0], 1.0).to_dict() == {"values": [1.0], "weights": [1.0], "mean": 1.0}
