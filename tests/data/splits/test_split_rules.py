"""Rules for splits: nothing is divided that belongs together, shares come out, order plays no part."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.splits.hashed import SPLITS
from lib.data.splits.rules import Assigned, SplitRule, assign
from lib.errors import BadInput, BadSettings, Stopped
from lib.records import Conversation, Message

THREE = {"train": 0.8, "validation": 0.1, "test": 0.1}


def row(row_id: int, question: str, answer: str = "", **values):
    messages = (Message("user", question), Message("assistant", answer or f"answer {row_id}"))
    return row_id, Conversation(messages), values


def rows(count: int, **values):
    return [row(number, f"question {number}", **values) for number in range(1, count + 1)]


def sides(assigned: Assigned, ids) -> set[str]:
    return {assigned[row_id] for row_id in ids}


@pytest.mark.parametrize("count", [100, 1000, 5000])
def test_shares_come_out(count):
    assigned = assign(rows(count), SplitRule("shares", THREE, seed=3))
    assert assigned.shares() == pytest.approx(THREE, abs=0.005)
    assert assigned.notes == ()
    assert dict(assigned.items()).keys() == set(range(1, count + 1))


def test_seed_and_order():
    given_rows = rows(300)
    shuffled = random.Random(1).sample(given_rows, 300)
    rule = SplitRule("shares", THREE, seed=1)
    assert dict(assign(given_rows, rule).items()) == dict(assign(shuffled, rule).items())
    other = assign(given_rows, SplitRule("shares", THREE, seed=2))
    assert dict(other.items()) != dict(assign(given_rows, rule).items())


def test_equal_questions_stay_together():
    given_rows = [row(number, f"Question {number % 50}?") for number in range(500)]
    assigned = assign(given_rows, SplitRule("shares", THREE))
    for question in range(50):
        assert len(sides(assigned, range(question, 500, 50))) == 1
    assert assigned.groups == 50
    free = assign(given_rows, SplitRule("shares", THREE, questions=False))
    assert free.groups == 500


def test_near_duplicates_stay_together():
    text = [" ".join(f"w{topic}x{number}" for number in range(40)) for topic in range(30)]
    given_rows = [row(number, f"q{number}", f"{text[number % 30]} and{number}") for number in range(300)]
    assigned = assign(given_rows, SplitRule("shares", THREE))
    assert all(len(sides(assigned, range(topic, 300, 30))) == 1 for topic in range(30))
    assert assign(given_rows, SplitRule("shares", THREE, near=None)).groups == 300


def test_rows_of_one_conversation_stay_together():
    given_rows = [row(number, f"q{number}", thread=number // 4 or None) for number in range(400)]
    assigned = assign(given_rows, SplitRule("shares", THREE, together="thread"))
    assert all(len(sides(assigned, range(start, start + 4))) == 1 for start in range(4, 400, 4))
    assert assigned.groups == 4 + 99, "rows without a value are free"


def test_groups_that_chain_are_one():
    """Rows 1 and 2 share a question, 2 and 3 a thread."""
    given_rows = [row(1, "same"), row(2, "same", thread="a"), row(3, "other", thread="a"), *rows(50)[3:]]
    assigned = assign(given_rows, SplitRule("shares", THREE, together="thread"))
    assert len(sides(assigned, (1, 2, 3))) == 1
    assert (assigned.largest, assigned.largest_row) == (3, 1)


def test_a_giant_group_is_named():
    given_rows = [row(number, "same" if number < 60 else f"q{number}") for number in range(100)]
    assigned = assign(given_rows, SplitRule("shares", {"train": 0.5, "test": 0.5}))
    assert assigned.counts() == {"train": 60, "test": 40, "validation": 0}
    assert "test has 40.0% of the rows instead of 50.0%." in assigned.notes
    assert "60 rows (60% of all), from row 0 on." in assigned.notes[-1]
    assert assigned.to_dict()["largest_group"] == {"rows": 60, "row": 0}


def test_a_split_that_was_asked_for_is_not_empty():
    assigned = assign(rows(5), SplitRule("shares", {"train": 0.98, "test": 0.02}))
    assert assigned.counts()["test"] == 1
    assert assign(rows(1), SplitRule("shares", THREE)).counts() == {"train": 1, "test": 0, "validation": 0}
    assert len(assign([], SplitRule("shares", THREE))) == 0


def test_by_column():
    given_rows = [row(number, f"q{number}", year=2000 + number % 3) for number in range(30)]
    rule = SplitRule("column", column="year", values={"2002": "test", "2001": "validation"})
    assigned = assign(given_rows, rule)
    assert [assigned[number] for number in (0, 1, 2, 3)] == ["train", "validation", "test", "train"]
    assert assigned.moved == 0


def test_a_divided_group_goes_where_most_of_it_is():
    given_rows = [
        row(1, "same", _split="test"),
        row(2, "same", _split="train"),
        row(3, "same", _split="test"),
        row(4, "own", _split="dev"),
        row(5, "none"),
    ]
    assigned = assign(given_rows, SplitRule("keep"))
    assert dict(assigned.items()) == {1: "test", 2: "test", 3: "test", 4: "validation", 5: "train"}
    assert assigned.moved == 1
    assert assigned.notes == ("1 row was moved to the side of the rows that it belongs together with.",)


def test_rows_are_looked_up():
    assigned = assign(rows(3), SplitRule("keep"))
    with pytest.raises(KeyError):
        assigned[4]
    with pytest.raises(KeyError):
        assigned[0]


def test_every_fault_of_a_rule_at_once():
    with pytest.raises(BadSettings) as caught:
        SplitRule("shares", {"train": 0.5}, other="nowhere", near=0.1)
    assert set(caught.value.faults) == {"shares", "other", "near"}


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "column"},
        {"kind": "dice"},
        {"kind": "keep", "values": {"a": "b"}},
        {"kind": "shares", "shares": {"train": 2, "test": -1}},
        {"kind": "shares", "shares": {"x": 1}},
        {"kind": "keep", "more": 1},
        {},
    ],
)
def test_a_rule_that_is_none(broken):
    with pytest.raises(BadInput):
        SplitRule.from_dict(broken)


def test_a_rule_as_a_document():
    rule = SplitRule("column", column="year", values={"1": "test"}, together="thread", near=None)
    assert SplitRule.from_dict(rule.to_dict()) == rule


def test_it_can_be_stopped():
    def stop(done: int, total: int | None) -> None:
        raise Stopped("stopped")

    with pytest.raises(Stopped):
        assign(rows(3), SplitRule("keep"), stop)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=60),
    st.integers(0, 5),
    st.floats(0.05, 0.5),
)
def test_no_group_is_ever_divided(keys, seed, share):
    given_rows = [row(n, f"q{question}", thread=thread) for n, (question, thread) in enumerate(keys)]
    rule = SplitRule("shares", {"train": 1 - share, "test": share}, seed=seed, together="thread", near=None)
    assigned = assign(given_rows, rule)
    for number in range(2):
        for value in {pair[number] for pair in keys}:
            assert len(sides(assigned, [n for n, pair in enumerate(keys) if pair[number] == value])) == 1
    assert sum(assigned.counts().values()) == len(keys)
    assert set(assigned.counts()) == set(SPLITS)
