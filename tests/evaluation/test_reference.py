"""One run against another, from the answers of a comparison with their base."""

from __future__ import annotations

import pytest

from lib.errors import NotFound
from lib.evaluation import comparisons
from lib.evaluation.reference import measured_against
from tests.app import seeds


def test_the_same_answers_are_measured_against_a_run(home):
    seeds.samples()
    seeds.model()
    first, second = seeds.run(), seeds.run()
    view = seeds.comparison(first, more=[second])
    found = measured_against(view, second.id)

    assert (found.sides, view.sides) == ([second.id, "starter", first.id], ["starter", first.id, second.id])
    assert {pair["base"] for pair in found.result["pairs"]} == {second.id}
    assert found.result["verdicts"].keys() == {"starter", first.id}
    assert found.result["models"].keys() == view.result["models"].keys()
    there = {pair["metric"]: pair for pair in view.result["pairs"] if pair["tuned"] == second.id}
    back = {pair["metric"]: pair for pair in found.result["pairs"] if pair["tuned"] == "starter"}
    assert there.keys() == back.keys()
    for metric, pair in there.items():
        assert back[metric]["difference"] == pytest.approx(-pair["difference"])
        assert (back[metric]["wins"], back[metric]["losses"]) == (pair["losses"], pair["wins"])
    assert {pair["base"] for pair in found.result["with_leaks"]["pairs"]} == {second.id}
    assert comparisons.get(view.id).sides[0] == "starter", "what is stored stays"

    assert measured_against(view, "starter") is view
    with pytest.raises(NotFound, match="no side 'nobody'"):
        measured_against(view, "nobody")
