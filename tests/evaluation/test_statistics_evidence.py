"""Many metrics, many sides, many slices: corrected p-values and one honest verdict."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.evaluation.metrics import METRICS, MetricSpec, Scores, get_spec, take
from lib.evaluation.statistics import Pair, adjust, compare, compare_slices, evidence, holm, verdict
from lib.evaluation.statistics.records import Difference, Verdict


def scores(values: np.ndarray, weights: list[float] | None = None) -> Scores:
    return Scores(values.tolist(), weights or [1.0] * len(values), float(values.mean()))


def side(rows: int, seed: int, gains: dict[str, float]) -> dict[str, Scores]:
    """Metrics of a model; `gains` moves their mean."""
    rng = np.random.default_rng(seed)
    return {
        name: scores(np.random.default_rng(0).random(rows) + rng.normal(gain, 0.2, rows))
        for name, gain in gains.items()
    }


def pair(metric: str, word: Verdict, rows: int = 100, untested: str = "") -> Pair:
    middle = {"tuned better": 1.0, "tuned worse": -1.0}.get(word, 0.5)
    return Pair(
        "base", "run", METRICS[metric], Difference(rows, middle, 0.1, 2, 0.01, 9, 0, 1, word, untested=untested)
    )


def test_evidence_has_the_shape_of_a_result() -> None:
    names = {"rougeL": 0.0, "token_f1": 0.0}
    found = evidence(
        {"base": side(60, 1, names), "run-1": side(60, 2, {**names, "rougeL": 0.3}), "run-2": side(60, 3, names)}
    )
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(plain["models"]) == ["base", "run-1", "run-2"]
    assert set(plain["models"]["base"]["rougeL"]) == {"n", "mean", "low", "high"}
    wanted = {"base", "tuned", "metric", "n", "difference", "low", "high", "p", "p_holm", "wins", "ties", "losses"}
    assert wanted | {"detectable", "test", "verdict", "sentence", "unmatched"} <= set(plain["pairs"][0])
    assert [one["p_holm"] for one in plain["pairs"]] == pytest.approx(holm([one["p"] for one in plain["pairs"]]))
    assert {tuned: one["verdict"] for tuned, one in plain["verdicts"].items()} == {
        "run-1": "tuned better",
        "run-2": "no evidence",
    }
    assert found == evidence(
        {"base": side(60, 1, names), "run-1": side(60, 2, {**names, "rougeL": 0.3}), "run-2": side(60, 3, names)}
    )
    with pytest.raises(BadInput):
        evidence({})
    with pytest.raises(BadInput):
        evidence({"base": {}}, base="gone")


def test_two_identical_models_give_no_evidence() -> None:
    same = side(60, 1, dict.fromkeys(["rougeL", "token_f1", "rouge1"], 0.0))
    found = evidence({"base": same, "run": same})
    assert found.verdicts["run"].verdict == "no evidence"
    assert found.verdicts["run"].sentence == "No evidence that tuned and base differ, on all 3 metrics."


def test_a_metric_that_is_gone_is_read_by_its_stored_spec() -> None:
    gone = MetricSpec.from_dict({**get_spec("stop_rate").to_dict(), "name": "rule:gone", "label": "Rule gone"})
    rng = np.random.default_rng(2)
    sides = {
        name: {"rule:gone": scores((rng.random(50) < share).astype(float))} for name, share in (("a", 0.1), ("b", 0.9))
    }
    found = evidence(sides, specs={"rule:gone": gone})
    assert found.pairs[0].difference.test == "McNemar's exact test"
    assert found.verdicts["b"].sentence == "Tuned is better on Rule gone, the only metric."


def test_correction_can_take_a_verdict_back() -> None:
    rng = np.random.default_rng(4)
    base = scores(rng.random(40))
    tuned = scores(np.array(base.values) + rng.normal(0.05, 0.2, 40))
    alone = compare("rougeL", base, tuned)
    assert 0.01 < alone.p < 0.05 and alone.verdict == "tuned better"
    among = adjust([Pair("base", "run", METRICS["rougeL"], alone), *(pair("rouge1", "no evidence") for _ in range(6))])
    assert among[0].difference.p_holm is not None and among[0].difference.p_holm > 0.05
    assert among[0].difference.verdict == "no evidence"
    assert "after correction" in among[0].sentence


def test_what_could_not_be_tested_makes_it_no_harder() -> None:
    few = pair("chrf", "no evidence", rows=3)
    other = pair("perplexity", "no evidence", untested="different tokens")
    found = adjust([pair("rougeL", "tuned better"), few, other])
    assert [one.difference.p_holm for one in found] == [0.01, None, None]


@pytest.mark.parametrize(
    ("pairs", "expected", "said"),
    [
        (
            [*(pair(name, "tuned better") for name in ("rougeL", "chrf", "bleu")), pair("exact_match", "no evidence")],
            "tuned better",
            "Tuned is better on 3 of 4 metrics (ROUGE-L, chrF and BLEU); no evidence on Exact match.",
        ),
        (
            [pair("rougeL", "tuned better"), pair("perplexity", "tuned worse"), pair("chrf", "no evidence")],
            "mixed",
            "Tuned is better on ROUGE-L, worse on Perplexity of the reference; no evidence on chrF: "
            "decide what matters.",
        ),
        ([pair("rougeL", "tuned worse"), pair("chrf", "tuned worse")], "tuned worse", "worse on both metrics"),
        ([pair("rougeL", "no evidence", 12)], "no evidence", "12 rows show only large differences."),
        ([pair("rougeL", "no evidence", 4)], "too few rows", "No verdict: 4 rows are too few (5 at least)."),
        ([pair("rougeL", "no evidence", 9, "why")], "not tested", "Not tested"),
        ([], "not tested", "Not tested"),
        (
            [pair("rougeL", "tuned better"), pair("length_ratio", "differs"), pair("chrf", "no evidence", 9, "why")],
            "tuned better",
            "the only metric. Length ratio is higher, which is neither. Not compared: chrF.",
        ),
    ],
)
def test_the_verdict_over_all_is_honest(pairs: list[Pair], expected: str, said: str) -> None:
    found = verdict(pairs)
    assert found.verdict == expected
    assert said in found.sentence


def test_slices_have_intervals_of_their_own_and_one_correction() -> None:
    rng = np.random.default_rng(6)
    labels = ["a"] * 40 + ["b"] * 30 + ["c"] * 3 + [None] * 7
    base = scores(rng.random(80))
    gain = np.r_[np.full(40, 0.3), np.zeros(40)]
    tuned = scores(np.array(base.values) + gain + rng.normal(0, 0.1, 80))
    found = compare_slices("rougeL", base, tuned, labels)
    assert [(one.label, one.rows, one.enough) for one in found] == [("a", 40, True), ("b", 30, True), ("c", 3, False)]
    assert [one.difference.verdict for one in found] == ["tuned better", "no evidence", "no evidence"]
    assert "too few" in found[2].sentence and found[2].difference.p_holm is None
    alone = compare("rougeL", *(take("rougeL", one, range(40)) for one in (base, tuned)))
    assert found[0].difference.p_holm == pytest.approx(2 * alone.p)
    assert (found[0].difference.low, found[0].difference.high) == (alone.low, alone.high)
    json.dumps([one.to_dict() for one in found], allow_nan=False)
    with pytest.raises(BadInput):
        compare_slices("rougeL", base, tuned, labels[1:])


def test_rows_scored_on_one_side_only_are_said() -> None:
    rng = np.random.default_rng(7)
    base = scores(rng.random(20))
    holes = Scores([math.nan] * 2 + base.values[2:], [0.0] * 2 + [1.0] * 18, 0.0, None, {0: "x", 1: "y"})
    assert evidence({"base": {"rougeL": base}, "run": {"rougeL": holes}}).to_dict()["pairs"][0]["unmatched"] == 2
