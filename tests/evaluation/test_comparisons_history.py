"""Comparisons that were made: noted, deleted, held against each other, and written to files."""

from __future__ import annotations

import csv
import io
import json

import pytest

from lib.data.imports.importer import import_source
from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation import comparisons, history, votes
from lib.evaluation.comparing.config import CompareConfig
from lib.evaluation.sides import Side
from lib.jobs import queue
from lib.storage import comparison_dir, read_json, write_json
from tests import tiny
from tests.evaluation import stored
from tests.helpers import write_lines

SIDES = [Side(name, "tiny", None, "none", name) for name in ("llama2", "alpaca")]


def test_a_note_is_kept_and_found(home):
    number = stored.pairs()
    view = history.set_note(number, "  The template was wrong. ", "ann")
    assert view.note == "The template was wrong." and view.to_dict()["note"] == view.note
    assert history.set_note(number, "", "ann").note == ""
    with pytest.raises(BadInput):
        history.set_note(number, "x" * 3000, "ann")
    with pytest.raises(NotFound):
        history.set_note(99, "x", "ann")


def test_a_number_is_never_used_again(tiny_home, tmp_path):
    import_source(str(write_lines(tmp_path / "sums.jsonl", tiny.ROWS)), "sums")
    first, second = (comparisons.create([], "sums@1", "test", CompareConfig(), "ann", models=SIDES) for _ in "ab")
    queue.stop(second.job.id)
    history.delete(second.id, "ann")
    third = comparisons.create([], "sums@1", "test", CompareConfig(), "ann", models=SIDES)
    assert (first.id, second.id, third.id) == (1, 2, 3)


def test_only_what_nobody_needs_is_deleted(home):
    number = stored.pairs()
    history.delete(number, "ann")
    assert comparisons.list_comparisons() == [] and not comparison_dir(number).exists()
    with pytest.raises(NotFound):
        history.delete(number, "ann")
    voted, live = stored.pairs(), stored.comparison({"a": ["x"], "b": ["y"]}, status="running")
    votes.create(voted, "starter", "gentle-otter", "ann")
    for kept, match in ((voted, "1 blind vote"), (live, "is running")):
        with pytest.raises(WrongState, match=match):
            history.delete(kept, "ann")
        assert comparison_dir(kept).exists() and comparisons.get(kept)


def test_a_list_reads_each_result_once_and_sees_what_was_written_anew(home):
    number = stored.pairs()
    before = comparisons.get(number).result
    assert comparisons.list_comparisons()[0].result is before, "not read again"
    path = comparison_dir(number) / "result.json"
    write_json(path, {**read_json(path), "rows": 77})
    assert comparisons.list_comparisons()[0].result["rows"] == 77
    path.unlink()
    assert comparisons.get(number).result == {}


def test_files_for_other_programs(home):
    """No cell of the table begins a formula, whatever a model wrote."""
    texts = ["=1+1", "-2", "@x", 'a "quote", and\na line', "", "plain"]
    number = stored.comparison({"base": texts, "=tuned": texts[::-1]}, **{"chrf|base": [-0.5, None, 1, 2, 3, 4]})
    rows = list(csv.reader(io.StringIO(history.export_csv(number).decode())))
    assert len(rows) == 7 and rows[0][:3] == ["row_id", "prompt", "reference"]
    cells = {name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])}
    assert cells["text|base"] == ["'=1+1", "'-2", "'@x", 'a "quote", and\na line', "", "plain"]
    assert cells["chrf|base"][:2] == ["-0.5", ""]
    document = json.loads(history.export_json(number))
    assert document["comparison"] == number and [row["text|base"] for row in document["outputs"]] == texts
    with pytest.raises(NotFound):
        history.export_csv(99)


def test_two_comparisons_against_each_other(run, compare, tmp_path):
    one = compare([run.id], metrics=("chrf", "perplexity"))
    other = compare([run.id], metrics=("chrf", "rougeL"), max_new_tokens=4, limit=5)
    found = history.against(one.id, other.id).to_dict()
    assert found["questions"] == {"both": 5, "only_a": 1, "only_b": 0}
    assert found["settings"]["max_new_tokens"] == [8, 4] and found["settings"]["limit"] == [0, 5]
    assert not any("sha256" in key for key in found["settings"])
    assert [(pair["a"], pair["b"], pair["metric"]) for pair in found["pairs"]] == [
        ("tiny", "tiny", "chrf"),
        (run.id, run.id, "chrf"),
    ]
    assert all(pair["n"] == 5 and pair["p_holm"] is not None and pair["sentence"] for pair in found["pairs"])
    crossed = history.against(one.id, one.id, {"tiny": run.id}).to_dict()
    assert crossed["settings"] == {}
    (pair,) = (pair for pair in one.result["pairs"] if pair["metric"] == "chrf")
    assert crossed["pairs"][0]["difference"] == pytest.approx(pair["difference"])
    import_source(str(write_lines(tmp_path / "more.jsonl", [*tiny.ROWS[::-1], tiny.ROWS[0]])), "again")
    moved = compare([run.id], data="again", metrics=("chrf",))
    matched = history.against(one.id, moved.id)  # other row ids, the same questions, one of them twice
    assert (matched.both, matched.only_a, matched.only_b) == (6, 0, 1)
    assert matched.pairs[0]["ties"] == 6 and matched.pairs[0]["difference"] == pytest.approx(0)
    with pytest.raises(NotFound):
        history.against(one.id, other.id, {"tiny": "nope"})
    waiting = comparisons.create([run.id], None, "test", comparisons.CompareConfig(), "tester")
    with pytest.raises(WrongState, match="has no result"):
        history.against(one.id, waiting.id)
