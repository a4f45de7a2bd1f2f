"""OpenAssistant trees, flat and nested, become one conversation a tree; what is left out is counted."""

from __future__ import annotations

import copy

import pytest

from lib.data import datasets
from lib.data.imports.importer import import_source


def message(name: str, parent: str | None, role: str, **more) -> dict:
    return {
        "message_id": name,
        "parent_id": parent,
        "message_tree_id": "t1",
        "role": role,
        "text": f"text {name}",
        "lang": "en",
        "tree_state": "ready_for_export",
        "deleted": False,
        "review_result": True,
        "rank": None,
        **more,
    }


TREE = [
    message("t1", None, "prompter"),
    message("b", "t1", "assistant", rank=1),
    message("a", "t1", "assistant", rank=0),
    message("s", "t1", "assistant", rank=-1, labels={"name": ["spam", "toxicity"], "value": [0.9, 0.1]}),
    message("a1", "a", "prompter"),
    message("a2", "a1", "assistant", rank=0, deleted=True),
    message("a3", "a1", "assistant"),
    message("a4", "a3", "prompter"),
    message("b1", "b", "prompter"),
]
BEST = [("user", "text t1"), ("assistant", "text a"), ("user", "text a1"), ("assistant", "text a3")]


def nested(messages: list[dict]) -> dict:
    by_parent: dict = {}
    for row in messages:
        by_parent.setdefault(row["parent_id"], []).append({**copy.deepcopy(row), "replies": []})
    for row in [row for rows in by_parent.values() for row in rows]:
        row["replies"] = by_parent.get(row["message_id"], [])
    [prompt] = by_parent[None]
    return {"message_tree_id": prompt["message_id"], "tree_state": prompt["tree_state"], "prompt": prompt}


def turns(name: str) -> list[list[tuple[str, str]]]:
    found = datasets.conversations(datasets.get(name))
    return [[(message.role, message.content) for message in conversation.messages] for _, conversation in found]


@pytest.mark.parametrize("order", [1, -1])
def test_messages_are_gathered_into_the_best_path(write_rows, order):
    report = import_source(write_rows(TREE[::order]), "flat")
    assert turns("flat") == [BEST]
    assert report.label == "OpenAssistant trees (messages)"
    assert any("5 of 9 messages are not on one" in note for note in report.notes)
    [row] = datasets.page(datasets.get("flat")).rows
    assert (row["message_tree_id"], row["lang"], row["tree_state"]) == ("t1", "en", "ready_for_export")


def test_trees_with_replies_inside_replies(write_rows):
    report = import_source(write_rows([nested(TREE)]), "nested")
    assert turns("nested") == [BEST] and report.rows == report.rows_in == 1
    assert datasets.page(datasets.get("nested")).rows[0]["lang"] == "en"


def test_what_is_no_conversation_is_refused_by_name(write_rows):
    rows = [
        *TREE,
        message("t2", None, "prompter", deleted=True),
        message("t3", None, "prompter", tree_state="aborted_low_grade"),
        message("t4", None, "prompter"),
        message("x", "t4", "assistant", review_result=False),
        message("lost", "nowhere", "assistant"),
        [1],
    ]
    report = import_source(write_rows(rows), "flat", keep_good=True)
    assert (report.rows_in, report.rows, report.refused) == (6, 1, 5)
    assert report.reasons == {
        "a list, not an object": 1,
        "the tree was deleted, voted spam or stopped": 2,
        "the tree has no answer that can be used": 1,
        "the message that it answers is not in the file": 1,
    }
    trees = [nested(TREE), nested([message("t4", None, "prompter")]), {"prompt": None}]
    report = import_source(write_rows(trees), "nested", keep_good=True)
    assert (report.rows, report.refused) == (1, 2)


def test_messages_in_a_circle_end(write_rows):
    rows = [*TREE, message("c", "d", "assistant"), message("d", "c", "assistant"), message("a", "a3", "assistant")]
    assert import_source(write_rows(rows), "circle").rows == 1
