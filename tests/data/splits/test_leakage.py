"""What one side gives away of the other, kind by kind."""

from __future__ import annotations

import json

import pytest

from lib.data.splits.leakage import LeakageReport, report
from lib.data.splits.rules import SplitRule, assign
from lib.errors import BadInput, Stopped
from lib.records import Conversation, Message

LONG = (
    "The bursa is a small sac filled with fluid that lies between bone and tendon and lets them glide over each other."
)


def row(row_id: int, question: str, answer: str) -> tuple[int, Conversation]:
    return row_id, Conversation((Message("user", question), Message("assistant", answer)))


LEFT = [
    row(1, "What is a bursa?", LONG),
    row(2, "What is a tendon?", "A cord that ties muscle to bone."),
    row(3, "Where are ligaments?", "Between the bones of a joint, which they hold in place."),
    row(4, "", ""),
]
RIGHT = [
    row(1, "What is a bursa?", LONG),
    row(2, "what is a tendon", "Something of the body."),
    row(3, "Tell me about the bursa.", LONG.replace("small", "little")),
    row(4, "What is a muscle?", "What moves the bones."),
    row(5, "", ""),
]


def test_kinds_and_ids():
    found = report(LEFT, RIGHT, 0.7)
    assert found.counts() == {
        "exact": {"left": 2, "right": 2},
        "question": {"left": 1, "right": 1},
        "near": {"left": 0, "right": 1},
    }
    assert {kind: list(ids) for kind, ids in found.right.items()} == {"exact": [1, 5], "question": [2], "near": [3]}
    assert list(found.right_ids) == [1, 2, 3, 5]
    assert list(found.left_ids) == [1, 2, 4]
    assert found.shares() == {"left": 3 / 4, "right": 4 / 5}


def test_examples_name_both_rows():
    found = report(LEFT, RIGHT, 0.7)
    leak = next(leak for leak in found.examples if leak.kind == "near")
    assert (leak.left, leak.right) == (1, 3)
    assert 0.7 <= leak.similarity < 1
    assert [leak.similarity for leak in found.examples if leak.kind == "exact"] == [1.0, 1.0]


def test_the_threshold_is_chosen():
    assert report(LEFT, RIGHT, 0.95).counts()["near"] == {"left": 0, "right": 0}
    with pytest.raises(BadInput):
        report(LEFT, RIGHT, 0.2)


def test_nothing_leaks():
    for left, right in ((LEFT, []), ([], RIGHT), ([], []), (LEFT[:1], RIGHT[3:4])):
        found = report(left, right)
        assert list(found.right_ids) == list(found.left_ids) == []
        assert found.shares() == {"left": 0.0, "right": 0.0}


def test_as_a_document():
    found = report(LEFT, RIGHT, 0.7)
    assert LeakageReport.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    with pytest.raises(BadInput):
        LeakageReport.from_dict({"rows": 3})


def test_pairs_inside_one_side_are_no_leak():
    twice = [row(1, "What is a bursa?", LONG), row(2, "What is a bursa?", LONG)]
    assert list(report(twice, LEFT[1:]).left_ids) == []


def test_a_rule_for_splits_leaves_nothing():
    rows = [
        row(n, f"Question {n % 40}?", f"{LONG} {' '.join(f't{n % 30}w{k}' for k in range(30))}") for n in range(240)
    ]
    assigned = assign(((row_id, said, {}) for row_id, said in rows), SplitRule("shares", {"train": 0.5, "test": 0.5}))
    sides = {name: [one for one in rows if assigned[one[0]] == name] for name in ("train", "test")}
    assert list(report(sides["train"], sides["test"]).right_ids) == []


def test_it_can_be_stopped():
    def stop(done: int, total: int | None) -> None:
        raise Stopped("stopped")

    with pytest.raises(Stopped):
        report(LEFT, RIGHT, progress=stop)
