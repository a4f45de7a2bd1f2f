"""`python -m studio comparisons` and `comparison`: the history of what was compared."""

from __future__ import annotations

import json

import pytest

from tests.evaluation import reported, stored

PAIR = {"difference", "low", "high", "p", "wins", "ties", "losses", "verdict"}


@pytest.fixture
def number(home):
    return reported.plain()


def test_all_are_listed_newest_first(home, command):
    assert command("comparisons", "--json").json() == {"comparisons": []}
    older, newer = stored.pairs(), reported.plain(12)
    listed = command("comparisons", "--json").json()["comparisons"]
    assert [one["comparison"] for one in listed] == [newer, older]
    assert {"status", "data", "split", "created_by", "created_at", "note"} <= set(listed[0])
    shown = command("comparisons").out.splitlines()
    assert shown[0].startswith("comparison") and "sums@1 test" in shown[1] and "starter, gentle-otter" in shown[1]


def test_one_is_shown_again_as_compare_shows_it(number, command):
    shown = command("comparison", str(number))
    assert "finished · sums@1 test" in shown.out and "gentle-otter against starter: chrF: " in shown.out
    assert "note: The sides are asked in different templates." in shown.err
    document = command("comparison", str(number), "--json").json()
    assert set(document["models"]) == {"starter", "gentle-otter"}
    for by_metric in document["models"].values():
        assert all({"n", "mean", "low", "high"} <= set(found) for found in by_metric.values())
    assert len(document["pairs"]) == 3 and all(set(pair) >= PAIR for pair in document["pairs"])


def test_groups_and_the_worst_questions(number, command):
    found = command("comparison", str(number), "--slices", "prompt length", "--metric", "chrf", "--json").json()
    assert found["metric"] == "chrf" and found["tuned"] == "gentle-otter"
    assert sum(group["rows"] for group in found["slices"]) == 37 and set(found["slices"][0]) >= PAIR
    assert "up to " in command("comparison", str(number), "--slices", "prompt length").out
    worst = command("comparison", str(number), "--worst", "2", "--json").json()
    assert worst["lost"] == 10 and len(worst["examples"]) == 2 and worst["metric"] == "rougeL"
    assert all(row["rougeL|gentle-otter"] < row["rougeL|starter"] for row in worst["examples"])
    shown = command("comparison", str(number), "--worst", "2")
    assert shown.out.count("--- row ") == 2 and "gentle-otter lost 10 questions by ROUGE-L" in shown.err


def test_one_against_another(number, command):
    other = reported.plain(20, leaked=())
    document = command("comparison", str(number), "--against", str(other), "--json").json()
    assert document["questions"] == {"both": 20, "only_a": 20, "only_b": 0} and set(document["pairs"][0]) >= PAIR
    shown = command("comparison", str(number), "--against", str(other)).out
    assert "20 questions in both" in shown and f"gentle-otter of {other} against gentle-otter of {number}: " in shown


def test_a_note_and_files(number, command, tmp_path):
    noted = command("comparison", str(number), "--note", "Before the fix.", "--json").json()
    assert noted["note"] == "Before the fix." and "Before the fix." in command("comparisons").out
    for ending, start in ((".html", "<!doctype html>"), (".csv", '"row_id"'), (".json", "{")):
        path = tmp_path / f"out{ending}"
        assert command("comparison", str(number), "--export", str(path)).code == 0
        assert path.read_text().lstrip().startswith(start)
    assert "Before the fix." in (tmp_path / "out.html").read_text()
    json.loads((tmp_path / "out.json").read_text())


def test_one_is_deleted_only_when_that_is_meant(number, command):
    refused = command("comparison", str(number), "--delete")
    assert refused.code == 1 and "--yes" in refused.err
    assert command("comparison", str(number), "--delete", "--yes", "--json").json() == {"deleted": number}
    assert command("comparison", str(number)).code == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ["--slices", "nothing"],
        ["--slices", "prompt length", "--metric", "nope"],
        ["--worst", "2", "--side", "nobody"],
        ["--worst", "2", "--slices", "tag"],
        ["--metric", "chrf"],
        ["--against", "999"],
        ["--export", "out.pdf"],
        ["--export", "no/such/folder/out.html"],
        ["--delete", "--yes", "--export", "out.html"],
    ],
)
def test_what_cannot_be_done_is_said_in_words(number, command, wrong):
    done = command("comparison", str(number), *wrong)
    assert done.code == 1 and done.err.startswith("Error: ") and "Traceback" not in done.err
