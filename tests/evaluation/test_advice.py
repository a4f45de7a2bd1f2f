"""What a verdict means in plain words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lib.evaluation.advice import BETTER, CAUTION, WORSE, advice, in_short
from lib.evaluation.metrics import METRICS

LOSS, CHRF, ROUGE = "perplexity", "chrf", "rougeL"


def view(cut=0, **verdicts):
    pairs = [{"tuned": "otter", "metric": metric, "verdict": verdict} for metric, verdict in verdicts.items()]
    pairs.append({"tuned": "another", "metric": CHRF, "verdict": WORSE})
    sides = ["base", "otter", "another"]
    return SimpleNamespace(
        result={"pairs": pairs, "rows": 35, "cut": {"otter": cut, "base": 30}},
        metrics=METRICS,
        sides=sides,
        who=[SimpleNamespace(name=name, run=None if name == "base" else name) for name in sides],
    )


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({LOSS: BETTER, CHRF: BETTER, ROUGE: "no evidence"}, "surprise it less, and what it writes itself is closer"),
        ({LOSS: BETTER, CHRF: WORSE, ROUGE: "no evidence"}, "It has learned what such answers look like; after"),
        ({LOSS: BETTER, CHRF: "no evidence"}, "Train longer or on more rows, or ask more questions"),
        ({LOSS: BETTER, CHRF: BETTER, ROUGE: WORSE}, "closer to them by some metrics and further by others"),
        ({LOSS: WORSE, CHRF: BETTER, ROUGE: WORSE}, "No: the reference answers surprise it more, and what it"),
        ({LOSS: WORSE, CHRF: WORSE}, "unlearned more than it learned"),
        ({CHRF: BETTER}, "what it writes is closer"),
    ],
)
def test_one_sentence_says_what_the_metrics_mean_together(verdicts, words):
    assert words in " ".join(advice(view(**verdicts), "otter")[:2])


def test_metrics_that_do_not_agree_are_named_and_closer_is_not_called_right():
    found = view(perplexity=BETTER)
    found.result["pairs"] += [
        {"tuned": "otter", "metric": ROUGE, "verdict": BETTER, "wins": 23, "losses": 6},
        {"tuned": "otter", "metric": CHRF, "verdict": "no evidence", "wins": 15, "losses": 15},
        {"tuned": "otter", "metric": "exact_match", "verdict": "no evidence", "wins": 0, "losses": 0},
    ]
    plain, apart = advice(found, "otter")
    assert plain.startswith("Yes, as far as likeness")
    assert apart == "What is said of its own answers is by ROUGE-L; by chrF there is no evidence."
    assert plain.endswith(CAUTION), "beside the yes, not behind all that follows"


def test_answers_that_went_round_in_circles_are_counted_where_many_were_cut():
    found = view(cut=20)
    assert "round in circles" not in " ".join(advice(found, "otter"))
    found.result["circling"] = {"otter": 12, "base": 30}
    assert "12 of otter's and 30 of base's went round in circles" in " ".join(advice(found, "otter"))


def test_of_the_base_against_a_run_and_of_two_runs_nothing_is_said_of_training():
    found = view(cut=7, perplexity=WORSE, chrf=WORSE)
    assert "unlearned" in advice(found, "otter")[1] and "begun to learn where to stop" in advice(found, "otter")[2]
    found.sides = ["another", "base", "otter"]
    plain, _ = advice(found, "otter")
    assert plain.startswith("No: the reference answers surprise it more, and") and CAUTION not in plain
    found.who[1].run = None  # an untrained model, that is
    assert advice(found, "otter")[1] == (
        "7 of the 35 answers of otter ran into the length limit, 0 of those of another: longer answers would tell more."
    )


def test_without_evidence_nothing_is_advised():
    assert advice(view(perplexity="no evidence", chrf="differs"), "otter") == []


def test_answers_that_do_not_end_are_said():
    assert advice(view(cut=6), "otter") == []
    (told,) = advice(view(cut=7), "otter")
    assert told == (
        "7 of the 35 answers of otter ran into the length limit, 30 of those of base: it has begun to learn where to "
        "stop, and the limit may be short."
    )
    (told,) = advice(view(cut=30), "otter")
    assert told.endswith("30 of those of base: it has not learned where to stop, or the limit is short.")
    (told,) = advice(view(cut=29), "otter")
    assert "begun to learn" not in told, "one answer of 35 shows nothing"


def test_of_runs_against_each_other_nothing_is_said_of_what_they_learned():
    found = view(cut=20, chrf="no evidence")
    found.result["cut"]["another"] = 35
    found.sides = ["another", "otter"]
    (told,) = advice(found, "otter")
    assert told == (
        "20 of the 35 answers of otter ran into the length limit, 35 of those of another: longer answers would tell "
        "more."
    )


@pytest.mark.parametrize(
    ("verdicts", "short"),
    [
        ({LOSS: BETTER, CHRF: BETTER}, "better"),
        ({LOSS: BETTER, CHRF: "no evidence"}, "in part"),
        ({LOSS: BETTER, CHRF: WORSE}, "yes and no"),
        ({LOSS: WORSE, CHRF: "no evidence"}, "worse"),
        ({LOSS: "no evidence"}, ""),
    ],
)
def test_the_list_says_no_more_than_the_page(verdicts, short):
    assert in_short(view(**verdicts), "otter") == short
