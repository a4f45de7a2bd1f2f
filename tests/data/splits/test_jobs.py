"""The jobs that deal rows and look for leaks: what they change, what they refuse, that they stop."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.edits import edit, entries, open_copy
from lib.data.edits.conversations import conversations, rows_with
from lib.data.edits.undo import undo
from lib.data.splits import dealing, job, leakage_job
from lib.data.splits.rules import SplitRule
from lib.errors import BadInput, Stopped
from tests.app import seeds
from tests.helpers import FakeJob

RULE = SplitRule("shares", {"train": 0.5, "test": 0.5}, seed=1)


@pytest.fixture
def info():
    seeds.samples()
    return datasets.get("support-desk")


def split_of(info):
    return {row_id: values["_split"] for row_id, _, values in rows_with(open_copy(info), ())}


def test_dealing_is_one_entry_that_undo_takes_back(info):
    before = split_of(info)
    told = job.run_job({"dataset": info.ref, "rule": RULE.to_dict(), "user": "ada"}, FakeJob())
    after = split_of(info)
    assert told["changed"] == sum(before[row] != after[row] for row in before)
    assert told["counts"]["test"] == sum(split == "test" for split in after.values())
    assert dealing.counts(open_copy(info)) == {name: rows for name, rows in told["counts"].items() if rows}
    [entry] = entries(info)
    assert entry.predicate == {"rule": RULE.to_dict()} and entry.rows == told["changed"]
    undo(info, "ada")
    assert split_of(info) == before


def test_edited_and_deleted_rows_are_dealt_as_they_are_now(info):
    edit(info, 1, 0, "ada", deleted=True)
    assigned, _ = dealing.split(info, RULE, "ada")
    assert len(assigned) == info.rows - 1
    assert 1 not in dict(assigned.items())


def test_by_a_column(info):
    edit(info, 1, 0, "ada", values={"ticket": "test"})
    rule = SplitRule("column", column="ticket", values={"test": "test"}, questions=False, near=None)
    dealing.split(info, rule, "ada")
    assert [row for row, split in split_of(info).items() if split == "test"] == [1]
    with pytest.raises(BadInput, match="no column 'nobody'"):
        dealing.split(info, SplitRule("column", column="nobody"), "ada")


def test_a_stopped_job_changes_nothing(info):
    with pytest.raises(Stopped):
        job.run_job({"dataset": info.ref, "rule": RULE.to_dict(), "user": "ada"}, FakeJob(lambda _: True))
    assert not open_copy(info).touched
    with pytest.raises(Stopped):
        sides = {"left": "support-desk:train", "right": "support-desk:test", "near": 0.8}
        leakage_job.run_job(sides, FakeJob(lambda _: True))


def test_a_side_is_not_looked_for_in_itself_whatever_it_is_called(info):
    for left, right in ((f"{info.name}:test", f"{info.ref}:test"), (info.name, info.ref)):
        with pytest.raises(BadInput, match="the same rows"):
            leakage_job.compare(left, right)


def test_unsaved_edits_count_for_leaks(info):
    question = dict(conversations(open_copy(info)))[1].messages[0]
    assert leakage_job.compare("support-desk:train", "support-desk:test").right_ids.tolist() == []
    rows = [row for row, split in split_of(info).items() if split == "train"]
    edit(info, rows[0], 0, "ada", values={"instruction": question.content, "input": question.context})
    assert open_copy(info).state(1).split == "test"
    assert 1 in leakage_job.compare("support-desk:train", "support-desk:test").right_ids


def test_rows_of_a_working_copy_are_those_that_were_saved_with_the_edits_over_them(info):
    saved = dict(datasets.conversations(info))
    edit(info, 7, 0, "ada", values={"output": "Another."})
    edit(info, 9, 0, "ada", deleted=True)
    now = dict(conversations(open_copy(info)))
    assert now.pop(7).answer() == "Another."
    assert list(now) == sorted(now)
    assert now == {row: one for row, one in saved.items() if row not in (7, 9)}
    assert dict(conversations(open_copy(info), "test")).keys() == {
        row for row, split in split_of(info).items() if split == "test"
    }
