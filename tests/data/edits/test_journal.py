"""Edits of single rows: what is recorded, refused, and left alone."""

from __future__ import annotations

import time

import pytest

from lib.data.columns import decode
from lib.data.edits import Conflict, RowState, edit, entries, folding, history, open_copy
from lib.data.edits.conversations import edit_conversation
from lib.data.edits.folding import fold
from lib.data.filters import Query
from lib.data.mapping import Mapping
from lib.data.table import Table
from lib.errors import BadInput, CannotCarry, NotFound
from lib.records import Conversation, Message


def values_of(info, row_id):
    return Table(open_copy(info), Query()).rows([row_id])[0].values


def test_an_edit_is_recorded(info):
    before = time.time()
    made = edit(info, 3, 0, "ada", status="accepted", tags=["b", "a", " b "], note="fine")
    assert (made.seq, made.row_id, made.who, made.action, made.rows) == (1, 3, "ada", "edit", 1)
    assert made.what == "pending to accepted; tag a added; tag b added; note written"
    assert before <= made.at <= time.time()
    assert made.before == RowState(split=made.before.split)
    assert open_copy(info).state(3) == RowState(1, False, made.before.split, "accepted", ("a", "b"), "fine")
    assert entries(info) == history(info, 3) == [made]
    assert history(info, 4) == []


def test_row_versions_are_the_numbers_of_entries(info):
    assert [edit(info, row, 0, "ada", status="accepted").seq for row in (5, 6)] == [1, 2]
    assert edit(info, 5, 1, "ada", status="rejected").seq == 3
    copy = open_copy(info)
    assert [copy.state(row).seq for row in (5, 6, 7)] == [3, 2, 0] and copy.seq == 3


def test_an_edit_of_an_older_row_is_a_conflict(info):
    edit(info, 1, 0, "ada", status="accepted")
    with pytest.raises(Conflict, match="changed by ada") as caught:
        edit(info, 1, 0, "ben", status="rejected")
    assert caught.value.present.status == "accepted" and caught.value.present.seq == 1
    assert caught.value.last == entries(info)[0]
    with pytest.raises(Conflict):
        edit(info, 1, 7, "ben", status="rejected")
    assert len(entries(info)) == 1


@pytest.mark.parametrize(
    "fields",
    [{}, {"status": "pending"}, {"tags": []}, {"note": ""}, {"values": {}}, {"values": {"answer": "It is 1."}}],
)
def test_an_edit_that_changes_nothing_leaves_no_trace(info, fields):
    assert edit(info, 1, 0, "ada", **fields) is None
    assert entries(info) == [] and not open_copy(info).touched


def test_what_was_edited_before_is_not_edited_again(info):
    made = edit(info, 1, 0, "ada", values={"answer": "One."})
    assert edit(info, 1, made.seq, "ada", values={"answer": "One.", "question": "What is 1?"}) is None
    back = edit(info, 1, made.seq, "ada", values={"answer": "It is 1."})
    assert back.what == "answer edited" and values_of(info, 1)["answer"] == "It is 1."


def test_deleted_rows_come_back(info):
    edit(info, 2, 0, "ada", deleted=True)
    assert Table(open_copy(info), Query()).count() == info.rows - 1
    assert Table(open_copy(info), Query.parse(["deleted:is:yes"])).ids() == [2]
    assert edit(info, 2, 1, "ada", deleted=False).what == "restored"
    assert Table(open_copy(info), Query()).count() == info.rows


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "fine"}, {"status": None}, {"split": "all"}, {"tags": [""]}, {"tags": ["a,b"]}, {"tags": ["x" * 41]},
        {"tags": ["a\nb"]}, {"note": "x" * 2001}, {"note": "half \ud83d"}, {"values": {"nothing": "x"}},
        {"values": {"answer": 1}}, {"values": {"answer": ["x"]}}, {"values": {"answer": "half \ud83d"}},
        {"values": {"_split": "test"}}, {"values": {"Answer": "x"}},
    ],
)  # fmt: skip
def test_what_cannot_be_stored_is_refused(info, fields):
    with pytest.raises(BadInput):
        edit(info, 1, 0, "ada", **fields)
    assert entries(info) == []


def test_limits_themselves_are_allowed(info):
    edit(info, 1, 0, "ada", note="x" * 2000, tags=["y" * 40])
    assert open_copy(info).state(1).note == "x" * 2000


@pytest.mark.parametrize("row_id", [0, -1, 21, 1 << 62, 1 << 70])
def test_rows_that_are_not_there(info, row_id):
    with pytest.raises(NotFound):
        edit(info, row_id, 0, "ada", status="accepted")
    with pytest.raises(NotFound):
        edit(info, row_id, 0, "ada", values={"answer": "x"})
    with pytest.raises(NotFound):
        open_copy(info).state(row_id)
    assert history(info, row_id) == []


KINDS = [
    {"q": "a", "a": "b", "i": 1, "f": 1.5, "b": True, "j": {"x": [1, None, "é"]}},
    {"q": "c", "a": "d", "i": None, "f": 2, "b": False, "j": 3},
]
GOOD = [
    ("i", 0), ("i", -(2**63)), ("i", 2**63 - 1), ("i", None), ("f", 2), ("f", -0.5), ("f", None), ("b", False),
    ("j", None), ("j", {"x": [1, None, "é"], "y": {}}), ("j", []), ("j", "text"), ("j", True), ("j", 1.0), ("j", 2**70),
    ("q", ""), ("q", "a\x00b"), ("q", "\u2028\u202e🙂"), ("q", None),
]  # fmt: skip


def test_values_of_every_kind_come_back(make):
    info = make([KINDS[0] for _ in GOOD], mapping=Mapping({"user": "q", "assistant": "a"}))
    rows = list(enumerate(GOOD, start=1))
    for row_id, (column, value) in rows:
        edit(info, row_id, 0, "ada", values={column: value})
    for _ in range(2):
        for row_id, (column, value) in rows:
            found = values_of(info, row_id)
            assert found == {**KINDS[0], column: value}
            assert type(found[column]) in (type(value), float)
            assert open_copy(info).state(row_id).values == {column: value}
        fold(info)
    assert open_copy(info).overlay and not open_copy(info).edits


BAD = [
    ("i", "1"), ("i", 1.0), ("i", True), ("i", 2**63), ("f", "1"), ("f", float("nan")), ("f", float("inf")),
    ("f", 10**400), ("f", True), ("b", 1), ("b", "true"), ("j", float("nan")), ("j", ["half \ud83d"]), ("j", {1, 2}),
    ("q", b"x"),
]  # fmt: skip


def test_values_that_a_column_cannot_hold(make):
    info = make(KINDS, mapping=Mapping({"user": "q", "assistant": "a"}))
    for column, value in BAD:
        with pytest.raises(BadInput, match=f"The column {column} holds"):
            edit(info, 1, 0, "ada", values={column: value})
    assert values_of(info, 1) == KINDS[0]


def test_true_and_one_are_two_values(make):
    info = make(
        [{"q": "a", "a": "b", "j": 1}, {"q": "a", "a": "b", "j": "x"}], mapping=Mapping({"user": "q", "assistant": "a"})
    )
    assert edit(info, 1, 0, "ada", values={"j": True})
    assert values_of(info, 1)["j"] is True


ODD = [
    "id", "rowid", "select", '"', "a'b", "größe 🙂", "seq", "status", "tag", "states", "changes", "saved", "edits",
    "rows", "overlay", "after", "old", "proposed", "deleted", "done", "found", "left_as", "assigned", "change", "key",
    "?", "%s", "a.b", "a b", "{x}", "flags", "value", "kept", "hits",
]  # fmt: skip


@pytest.mark.parametrize("name", ['"', "states"])
def test_columns_with_odd_names(make, name):
    """All of them at once, among what the SQL itself names; `name` is the one that bulk changes write."""
    from lib.data.edits.bulk import change_all
    from lib.data.edits.operations import Operation
    from lib.data.edits.undo import redo, undo

    rows = [{**dict.fromkeys(ODD, f"What is {number}?"), "answer": "It is."} for number in range(600)]
    info = make(rows, mapping=Mapping({"user": name, "assistant": "answer"}))
    edit(info, 1, 0, "ada", values=dict.fromkeys(ODD, "Who?"), tags=["x"])
    assert {values_of(info, 1)[odd] for odd in ODD} == {"Who?"}
    changed = change_all(info, Query(search="is"), Operation("replace", "What", {"by": "Who"}), "ada")
    assert changed.rows == 599 and open_copy(info).overlay
    assert values_of(info, 2) == {**rows[1], name: "Who is 1?"}
    change_all(info, Query(), Operation("untag", "x"), "ada")
    change_all(info, Query(), Operation("tag", "tag"), "ada")
    undo(info, "ada")
    undo(info, "ada")
    undo(info, "ada")
    assert values_of(info, 2) == rows[1] and open_copy(info).state(1).tags == ("x",)
    assert redo(info, "ada").rows == 599
    assert values_of(info, 2)[name] == "Who is 1?"
    fold(info)
    assert open_copy(info).state(1).values == dict.fromkeys(ODD, "Who?")
    assert open_copy(info).state(2).values == {name: "Who is 1?"}
    assert history(info, 2)[0].after.values == {name: "Who is 1?"}


def test_a_row_gets_a_system_prompt_and_earlier_turns(info):
    longer = Conversation(
        (
            Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello"),
            Message("user", "What is 1?", "a number"), Message("assistant", "One."),
        )
    )  # fmt: skip
    assert "system" not in values_of(info, 1)
    made = edit_conversation(info, 1, 0, "ada", longer)
    copy = open_copy(info)
    assert values_of(info, 1) == {
        "question": "What is 1?", "answer": "One.", "system": "Be brief.", "history": [["Hi", "Hello"]],
        "context": "a number",
    }  # fmt: skip
    assert values_of(info, 2)["system"] is None
    assert copy.mapping.columns.keys() == {"user", "assistant", "system", "history", "context"}
    assert edit_conversation(info, 1, made.seq, "ada", longer) is None
    fold(info)
    assert values_of(info, 1)["history"] == [["Hi", "Hello"]]
    with pytest.raises(CannotCarry):
        edit_conversation(info, 1, made.seq, "ada", Conversation((Message("assistant", "Hello"),)))


def test_added_columns_have_names_of_their_own(make):
    info = make(
        [{"q": "a", "a": "b", "System": "x", "system_of_turn": "y", "_": 1}],
        mapping=Mapping({"user": "q", "assistant": "a"}),
    )
    said = Conversation((Message("system", "s"), Message("user", "a"), Message("assistant", "b")))
    edit_conversation(info, 1, 0, "ada", said)
    assert values_of(info, 1) == {
        "q": "a", "a": "b", "System": "x", "system_of_turn": "y", "_": 1, "system_of_turn_2": "s",
    }  # fmt: skip


def test_many_edits_are_folded_into_a_file(info, monkeypatch):
    monkeypatch.setattr(folding, "FOLD_EVERY", 50)
    seq = 0
    for number in range(54):
        seq = edit(info, 1 + number % 3, open_copy(info).state(1 + number % 3).seq, "ada", note=str(number)).seq
    copy = open_copy(info)
    assert seq == 54 and copy.overlay and len(copy.edits) == 3
    assert [copy.state(row).seq for row in (1, 2, 3, 4)] == [52, 53, 54, 0]
    assert decode(copy.state(3).note, "text") == "53"
