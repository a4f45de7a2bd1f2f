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
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

from lib.errors import BadInput, NotFound
from lib.evaluation import metrics
from lib.evaluation.metrics import (
    DEFAULT_METRICS,
    METRICS,
    MetricSpec,
    Scores,
    aggregate,
    aggregate_rows,
    figures,
    from_columns,
    report_errors,
    score,
    shown,
    take,
    texts,
    to_columns,
)
from lib.evaluation.metrics.catalogue import ROWS
from lib.evaluation.metrics.classes import CLASSES, column_names

PREDICTIONS = ["The quick brown dog jumps.", "Paris is the capital of France", "", "something", "  Forty   TWO "]
REFERENCES = ["The quick brown fox jumps over.", "The capital of France is Paris", "an answer", "", "forty two"]
LOSSES, TOKENS = [6.0, 2.0, 0.0], [3, 4, 0]
SAME = {
    "bleu": 0.0,  # two words hold no piece of three
    "chrf": 100.0,
    "ter": 0.0,
    "rouge1": 1.0,
    "rouge2": 1.0,
    "rougeL": 1.0,
    "exact_match": 1.0,
    "token_f1": 1.0,
    "perplexity": math.exp(0.5),
    "bits_per_byte": 1 / math.log(2) / 3,
    "length_ratio": 1.0,
    "distinct1": 1.0,
    "distinct2": 1.0,
    "stop_rate": 1.0,
}
"""Of "a b" against itself, with 1 nat over 2 tokens."""

COLD_START = """
import json, socket, sys
def refuse(*args, **kwargs):
    raise OSError("no network in this test")
socket.socket.connect = socket.getaddrinfo = refuse
import lib.evaluation.statistics
from lib.evaluation.metrics import METRICS, score
heavy = sorted({"torch", "transformers", "evaluate", "datasets", "scipy", "streamlit"} & set(sys.modules))
scores = {name: score(name, ["a b"], ["a b"], [1.0], [2], [True]).mean for name in METRICS}
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
    assert found.values == pytest.approx([*expected[:3], math.nan, expected[4]], nan_ok=True)
    assert found.mean == pytest.approx(sum(expected) / 4)
    # 4 of 5 and 4 of 6 words in order: F1 = 2 * 4 / 11.
    assert found.values[0] == pytest.approx(8 / 11)


@pytest.mark.parametrize(("name", "metric"), [("bleu", BLEU()), ("chrf", CHRF()), ("ter", TER())])
def test_corpus_figures_are_sacrebleus(name: str, metric: Any) -> None:
    rows = [(p, r) for p, r in zip(PREDICTIONS, REFERENCES, strict=True) if r]
    found = score(name, PREDICTIONS, REFERENCES)
    assert found.mean == pytest.approx(metric.corpus_score([p for p, _ in rows], [[r for _, r in rows]]).score)
    assert found.weights == [1.0, 1.0, 1.0, 0.0, 1.0]
    assert str(metric.get_signature()) in METRICS[name].signature


@pytest.mark.parametrize(("name", "metric"), [("bleu", BLEU(effective_order=True)), ("chrf", CHRF()), ("ter", TER())])
def test_values_of_rows_are_sacrebleus(name: str, metric: Any) -> None:
    expected = [metric.sentence_score(p, [r]).score for p, r in zip(PREDICTIONS, REFERENCES, strict=True)]
    found = score(name, PREDICTIONS, REFERENCES).values
    assert found == pytest.approx([*expected[:3], math.nan, expected[4]], nan_ok=True)


TEXTS = st.lists(st.text("ab .", max_size=12), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.data(), TEXTS)
def test_figures_of_any_sums_are_sacrebleus(data: st.DataObject, references: list[str]) -> None:
    count = len(references)
    predictions = data.draw(st.lists(st.text("ab .", max_size=12), min_size=count, max_size=count))
    for name, metric, figure in (
        ("bleu", BLEU(), figures.bleu),
        ("bleu", BLEU(effective_order=True), figures.sentence_bleu),
        ("chrf", CHRF(), figures.chrf),
        ("ter", TER(), figures.ter),
    ):
        sums = np.array([texts.sacrebleu_sums(name, p, r) for p, r in zip(predictions, references, strict=True)])
        assert figure(sums.sum(axis=0)) == pytest.approx(metric.corpus_score(predictions, [references]).score)
        each = [metric.sentence_score(p, [r]).score for p, r in zip(predictions, references, strict=True)]
        assert figure(sums) == pytest.approx(each)


def test_exact_match_ignores_case_and_spacing_only() -> None:
    predictions = ["  Forty   TWO ", "Straße", "forty-two", "a\nb"]
    references = ["forty two", "STRASSE", "forty two", "a b"]
    assert score("exact_match", predictions, references).values == [1.0, 1.0, 0.0, 1.0]


def test_perplexity_by_hand() -> None:
    found = score("perplexity", [], [], losses=LOSSES, tokens=TOKENS)
    assert found.values == pytest.approx([2.0, 0.5, math.nan], nan_ok=True)
    assert found.weights == [3.0, 4.0, 0.0]
    assert found.mean == pytest.approx(math.exp(8.0 / 7.0))
    assert shown("perplexity", 0.5) == pytest.approx(math.exp(0.5))
    assert shown("perplexity", 1e6) == math.inf
    assert shown("chrf", 0.5) == 0.5


def test_bits_per_byte_by_hand() -> None:
    # 6 nats over "für" (4 bytes), 2 over "ab": 8 / ln 2 bits over 6 bytes.
    found = score("bits_per_byte", [], ["für", "ab", ""], losses=LOSSES, tokens=TOKENS)
    assert found.mean == pytest.approx(8.0 / math.log(2) / 6)
    assert found.weights == [4.0, 2.0, 0.0]
    assert shown("bits_per_byte", 1.5) == 1.5


def test_token_f1_by_hand() -> None:
    # "The cat, the CAT!" against "the cat sat": the, cat shared; 4 and 3 words.
    assert score("token_f1", ["The cat, the CAT!"], ["the cat sat"]).mean == pytest.approx(2 * 2 / 7)
    assert score("token_f1", ["", "…"], ["a", "?"]).values == [0.0, 0.0]


def test_length_ratio_adds_up_characters() -> None:
    found = score("length_ratio", ["abcd", " a "], ["ab", "abcdefgh"])
    assert found.values == [2.0, 0.125]
    assert found.mean == pytest.approx(5 / 10)


def test_distinct_pieces_of_an_answer() -> None:
    # "a b a b a": words a, b of 5; pairs ab, ba of 4.
    assert score("distinct1", ["a b a b a", ""], ["", ""]).values == pytest.approx([2 / 5, math.nan], nan_ok=True)
    assert score("distinct2", ["a b a b a", "a"], ["", ""]).values == pytest.approx([2 / 4, math.nan], nan_ok=True)


def test_stop_rate_needs_to_know_who_ended() -> None:
    assert score("stop_rate", ["a", "b", "c", "d"], [""] * 4, ended=[True, True, True, False]).mean == 0.75
    with pytest.raises(BadInput, match="ended"):
        score("stop_rate", ["a"], ["a"])


def test_rows_without_a_reference_count_only_where_none_is_needed() -> None:
    answers, references = ["a b", "c d"], [None, " "]
    for name, spec in METRICS.items():
        found = score(name, answers, references, [0.0, 0.0], [0, 0], [True, False])
        assert (sum(found.weights) > 0) == (spec.needs == "answer"), name
        assert math.isnan(found.mean) == (spec.needs != "answer"), name


def test_an_empty_answer_scores_nothing() -> None:
    found = [score(name, [""], ["text"]).mean for name in ("bleu", "chrf", "rougeL", "exact_match", "token_f1")]
    assert found == [0.0] * 5
    assert score("ter", [""], ["text"]).mean == 100.0


def test_a_row_that_cannot_be_scored_is_marked_and_the_rest_counts() -> None:
    found = score("perplexity", [], [], losses=[6.0, math.nan, None, math.inf, 2.0], tokens=[3, 4, 4, 4, 4])
    assert sorted(found.errors) == [1, 2, 3]
    assert "no finite loss" in found.errors[1]
    assert found.mean == pytest.approx(math.exp(8 / 7))
    assert report_errors({"base": {"perplexity": found}}, [10, 11, 12, 13, 14]) == {
        "perplexity": {"base": {"rows": 3, "first": f"row 11: {found.errors[1]}"}}
    }


def test_parts_and_columns_keep_the_figure(tmp_path: Path) -> None:
    losses, tokens = [1.0, 2.0, math.nan, 4.0, 5.0], [2, 3, 4, 0, 6]
    for name in METRICS:
        found = score(name, PREDICTIONS, REFERENCES, losses, tokens, [True, False, True, True, True])
        table = pa.table(to_columns(name, "run 1", found))
        pq.write_table(table, tmp_path / "outputs.parquet")
        back = from_columns(name, "run 1", pq.read_table(tmp_path / "outputs.parquet").to_pydict())
        assert back.mean == pytest.approx(found.mean)
        assert back.weights == found.weights
        assert back.values == pytest.approx(found.values, nan_ok=True)
        part, again = (
            take(name, back, [4, 0]),
            score(
                name,
                *([c[4], c[0]] for c in (PREDICTIONS, REFERENCES, losses, tokens, [True, False, True, True, True])),
            ),
        )
        assert (part.mean, part.values) == (pytest.approx(again.mean), pytest.approx(again.values))
    assert math.isnan(take("chrf", score("chrf", ["a"], ["a"]), []).mean)


@pytest.mark.parametrize("name", list(CLASSES))
def test_classes_are_metrics_of_evaluate_with_one_shape(name: str) -> None:
    import evaluate

    metric = getattr(metrics, name)()
    assert isinstance(metric, evaluate.Metric)
    given = {
        "predictions": PREDICTIONS[:3],
        "references": REFERENCES[:3],
        "losses": LOSSES,
        "tokens": TOKENS,
        "ended": [True, False, True],
    }
    columns = {key: given[key] for key in column_names(metric.spec)}
    first, again = metric.compute(**columns), metric.compute(**columns)
    assert str(first) == str(again)
    assert set(first) == {metric.spec.name, "per_example", "weights", "sums", "errors"}
    assert len(first["per_example"]) == len(first["weights"]) == 3
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
    assert found["scores"] == pytest.approx(SAME)
    assert [path for folder in (home, scratch) for path in folder.rglob("*") if path.is_file()] == []


def test_every_metric_describes_itself() -> None:
    assert set(DEFAULT_METRICS) <= set(METRICS)
    assert set(METRICS) == set(SAME) == set(CLASSES.values()) == set(ROWS)
    for name, spec in METRICS.items():
        assert spec.name == name
        assert spec.label and spec.help and "version:" in spec.signature
        assert MetricSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
        way = {True: "higher is better", False: "lower is better", None: "either direction is better"}
        assert way[spec.higher_is_better] in spec.help
    assert [name for name, spec in METRICS.items() if spec.needs == "loss"] == ["perplexity", "bits_per_byte"]


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
    ],
)
def test_columns_that_cannot_be_scored_are_refused(name: str, columns: tuple[Any, ...]) -> None:
    with pytest.raises(BadInput):
        score(name, *columns)


def test_figures_over_the_last_axis() -> None:
    totals = np.array([[4.0, 2.0], [3.0, 3.0]])
    assert aggregate_rows(METRICS["rougeL"], totals) == pytest.approx([2.0, 1.0])
    assert aggregate_rows(METRICS["perplexity"], totals) == pytest.approx([math.exp(2.0), math.e])
    assert aggregate("perplexity", Scores([1.0, 3.0], [3.0, 1.0], 0.0)) == pytest.approx(math.exp(1.5))
    assert math.isnan(aggregate("perplexity", Scores([1.0], [0.0], 0.0)))
    assert math.isnan(aggregate("rougeL", Scores([], [], 0.0)))


def test_scores_as_plain_data() -> None:
    found = Scores([1.0, math.nan], [1.0, 0.0], 1.0, None, {1: "why"}).to_dict()
    assert found == {"values": [1.0, None], "weights": [1.0, 0.0], "mean": 1.0, "errors": {"1": "why"}}
