"""Answers that go round in circles, and those that only look like it."""

from __future__ import annotations

import pytest

from lib.evaluation.comparing.circles import circles
from lib.evaluation.comparing.scoring import circling


@pytest.mark.parametrize(
    "answer",
    [
        "1. 1. 1. 1. 1. 1. 1. 1.",
        "Here are some:\n1. Eat well.\n2. Eat well.\n3. Eat well.\n4. Eat well.\n5. Eat",
        "1. 2. 3. 4. 5. 6. 7. 8.",
        "It is a sac. " + "The sac holds a fluid. " * 4 + "The sac ho",
        "the the the the the the",
        "- a\n- b\n" * 8,
        "水の水の水の水の水の水の水の水の",
    ],
)
def test_it_goes_round_in_circles(answer):
    assert circles(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "1.",
        "1. Eat well.\n2. Sleep enough.\n3. Walk each day.\n4. See friends.\n5. Read",
        "No, no, no, no!",
        "Wait .....................",
        "| a | b |\n|---|---|---|---|---|---|---|",
        "the the the the the the end of it",
        "It is a sac. The sac holds a fluid. The sac holds a fluid.",
    ],
)
def test_it_does_not(answer):
    assert not circles(answer)


def test_only_answers_that_were_cut_are_counted():
    answer = "1. " * 20
    answers = [{"text": answer, "ended": "length"}, {"text": answer, "ended": "end"}, {"text": "a", "ended": "length"}]
    assert circling(answers) == 1
