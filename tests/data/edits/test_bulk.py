"""Changes of many rows: each operation, what they leave on record, and how they are taken back."""

from __future__ import annotations

import json
import random
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib import storage
from lib.data.checks import Settings, results
from lib.data.columns import ROW_ID, SPLIT
from lib.data.edits import commit, edit, entries, history, open_copy
from lib.data.edits.bulk import change_all, preview, set_splits
from lib.data.edits.conversations import edit_conversation
from lib.data.edits.job import run_job
from lib.data.edits.operations import Operation
from lib.data.edits.undo import redo, redoable, undo, undoable
from lib.data.filters import Query
from lib.data.mapping import Mapping
from lib.data.table import Table
from lib.errors import BadInput, NotFound, Stopped, StorageError, WrongState
from lib.records import Conversation, Message
from lib.storage import edits_dir
from tests.helpers import FakeJob

ALL = Query()
FIVE = Query.parse(["row:in:1..6"])


@pytest.fixture(params=["few", "many"])
def size(request, monkeypatch):
    """Both ways in which changes come into force: states in the database, and gathered in a file."""
    if request.param == "many":
        monkeypatch.setattr(commit, "FEW", 0)


def shown(info, row_ids=(1, 2, 3)):
    return [row.values for row in Table(open_copy(info), ALL).rows(list(row_ids))]


@pytest.mark.usefixtures("size")
@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        (Operation("status", "accepted"), {"status": "accepted"}),
        (Operation("tag", " checked "), {"tags": ("checked", "x")}),
        (Operation("untag", "x"), {"tags": ()}),
        (Operation("split", "validation"), {"split": "validation"}),
        (Operation("delete"), {"deleted": True}),
        (Operation("replace", "It is", {"by": "That is"}), {"values": {"answer": "That is 2."}}),
    ],
)
def test_operations_change_what_matches(info, operation, fields):
    edit(info, 2, 0, "ada", tags=["x"])
    before = open_copy(info).state(2)
    made = change_all(info, Query.parse(["tag:is:x"]), operation, "ben")
    assert (made.rows, made.row_id, made.who, made.action, made.seq) == (1, None, "ben", "bulk", 2)
    assert open_copy(info).state(2) == before.changed(**fields, seq=2)
    assert open_copy(info).state(3).seq == 0
    again = Query.parse(["row:is:2", "deleted:is:yes"] if operation.kind == "delete" else ["row:is:2"])
    assert change_all(info, again, operation, "ben") is None and len(entries(info)) == 2
    assert history(info, 2)[0].after.same_as(open_copy(info).state(2))
    undo(info, "ben")
    assert open_copy(info).state(2).same_as(before)
    redo(info, "ben")
    assert open_copy(info).state(2) == before.changed(**fields, seq=4)


def test_deleted_rows_are_restored(info):
    change_all(info, FIVE, Operation("delete"), "ada")
    assert change_all(info, ALL, Operation("restore"), "ada") is None
    assert change_all(info, Query.parse(["deleted:is:yes"]), Operation("restore"), "ada").rows == 5
    assert Table(open_copy(info), ALL).count() == info.rows


def test_the_predicate_is_kept_not_the_rows(info):
    query = Query.parse(["row:in:1..4"], search="what")
    operation = Operation("replace", "What", {"by": "Who", "case": True})
    made = change_all(info, query, operation, "ada")
    assert made.what == "replace “What” by “Who”, where text contains 'what', row 1 to 4" and made.version == 1
    assert Query.from_dict(made.predicate["query"]) == query
    assert Operation.from_dict(made.predicate["operation"]) == operation
    assert entries(info) == [made]


@pytest.mark.parametrize(
    ("value", "options", "before", "after"),
    [
        ("is", {"by": "was"}, "is Is this", "was Is thwas"),
        ("is", {"by": "was", "case": False}, "is Is this", "was was thwas"),
        ("is", {"by": "was", "words": True}, "is Is this", "was Is this"),
        ("C++", {"by": "Rust", "words": True}, "C++ and C++x, (C++)", "Rust and C++x, (Rust)"),
        ("a.b", {"by": r"\1"}, "a.b axb", r"\1 axb"),
        (r"(\w+) (\w+)", {"by": r"\2 \1", "regex": True}, "one two", "two one"),
        ("(?i)ONE", {"by": "", "regex": True}, "one two", " two"),
        ("é", {"by": "e"}, "café", "cafe"),
        ('"', {"by": "'"}, 'a "b"', "a 'b'"),
        ("\n", {"by": " "}, "a\nb", "a b"),
        ("a", {"by": "\x00"}, "a", "\x00"),
    ],
)
@pytest.mark.parametrize("shape", ["pair", "messages", "json text"])
def test_text_is_replaced(make, value, options, before, after, shape):
    messages = [{"role": "user", "content": "-"}, {"role": "assistant", "content": before}]
    rows = {
        "pair": {"question": "-", "answer": before, "number": "-"},
        "messages": {"messages": messages},
        "json text": {"messages": json.dumps(messages)},
    }[shape]
    info = make([rows, rows])
    assert change_all(info, ALL, Operation("replace", value, options), "ada").rows == 2
    found = shown(info)[0]
    if shape == "pair":
        assert found["answer"] == after
    else:
        items = json.loads(found["messages"]) if shape == "json text" else found["messages"]
        assert items == [messages[0], {"role": "assistant", "content": after}]


def test_only_what_is_read_is_replaced(make):
    info = make([{"q": "is", "a": "is", "other": "is"}], mapping=Mapping({"user": "q", "assistant": "a"}))
    change_all(info, ALL, Operation("replace", "is", {"by": "was"}), "ada")
    assert shown(info)[0] == {"q": "was", "a": "was", "other": "is"}


def test_numbers_are_replaced_too(make):
    info = make([{"question": "How many?", "answer": 42}, {"question": "And?", "answer": 7}])
    assert change_all(info, ALL, Operation("replace", "42", {"by": "43"}), "ada").rows == 1
    assert shown(info)[0] == {"question": "How many?", "answer": 43}
    assert change_all(info, ALL, Operation("replace", "43", {"by": "many"}), "ada") is None  # the column has no place


@pytest.mark.parametrize(
    ("kind", "value", "options"),
    [
        ("burn", "", {}),
        ("status", "fine", {}),
        ("split", "all", {}),
        ("tag", "a,b", {}),
        ("tag", "", {}),
        ("replace", "", {}),
        ("replace", "(", {"regex": True}),
        ("replace", "(?P<", {"regex": True}),
    ],
)
def test_operations_that_mean_nothing(kind, value, options):
    with pytest.raises(BadInput):
        Operation(kind, value, options)


@pytest.mark.parametrize("by", [r"\2", r"\g<no>", r"\g<", "\\"])
def test_a_replacement_that_cannot_be_read(info, by):
    with pytest.raises(BadInput, match="pattern cannot be used"):
        change_all(info, ALL, Operation("replace", "What", {"by": by, "regex": True}), "ada")
    assert entries(info) == [] and list(edits_dir("small", 1).glob("*")) == []


def test_a_replacement_that_cannot_be_stored(info):
    with pytest.raises(BadInput, match="holds text values"):
        change_all(info, ALL, Operation("replace", "What", {"by": "\ud83d"}), "ada")


def test_a_pattern_without_end(make):
    info = make([{"question": "a" * 40 + "!", "answer": "x"}])
    slow = Operation("replace", r"(a|aa|a?a)+(b|bb)?$", {"regex": True, "by": ""})
    began = time.monotonic()
    with pytest.raises(BadInput, match="more than 1 s"):
        change_all(info, ALL, slow, "ada")
    with pytest.raises(BadInput, match="more than 1 s"):
        preview(info, ALL, slow)
    assert time.monotonic() - began < 10
    assert entries(info) == []


def test_previews_say_what_would_happen(info):
    edit(info, 1, 0, "ada", status="accepted")
    found = preview(info, FIVE, Operation("status", "accepted"))
    assert (found.matching, found.seen, found.changing, found.examples) == (5, 5, 4, ())
    found = preview(info, ALL, Operation("replace", "1", {"by": "one"}), limit=3)
    assert (found.matching, found.seen, found.changing) == (11, 11, 11)
    assert [example.row_id for example in found.examples] == [1, 10, 11]
    assert found.examples[0].after.messages == (Message("user", "What is one?"), Message("assistant", "It is one."))
    assert found.examples[0].values == {"question": "What is one?", "answer": "It is one."}
    assert open_copy(info).seq == 1
    with pytest.raises(BadInput, match="no field"):
        preview(info, Query.parse(["nothing:is:1"]), Operation("delete"))


def splits_of(rows):
    return pa.table({ROW_ID: pa.array(list(rows), pa.int64()), SPLIT: pa.array(list(rows.values()), pa.string())})


@pytest.mark.usefixtures("size")
def test_splits_are_set(info):
    before = [row.state.split for row in Table(open_copy(info), ALL).rows([1, 2, 3])]
    rows = {1: "test", 2: "validation", 3: before[2], 99: "test"}
    made = set_splits(info, splits_of(rows), "ada", "by question", {"seed": 3})
    assert (made.action, made.what, made.predicate) == ("split", "by question", {"seed": 3})
    assert made.rows == (before[0] != "test") + 1
    assert [row.state.split for row in Table(open_copy(info), ALL).rows([1, 2, 3])] == ["test", "validation", before[2]]
    assert set_splits(info, splits_of(rows), "ada", "by question", {}) is None
    undo(info, "ada")
    assert [row.state.split for row in Table(open_copy(info), ALL).rows([1, 2, 3])] == before


def test_splits_that_cannot_be_set(info):
    twice = pa.table({ROW_ID: pa.array([1, 1], pa.int64()), SPLIT: pa.array(["test", "train"])})
    for splits in (twice, splits_of({1: "all"}), splits_of({1: None})):
        with pytest.raises(BadInput):
            set_splits(info, splits, "ada", "", {})


@pytest.mark.usefixtures("size")
def test_an_undo_leaves_what_was_changed_since_and_names_it(info):
    change_all(info, FIVE, Operation("status", "accepted"), "ada")
    edit(info, 2, 1, "ben", status="rejected")
    edit(info, 4, 1, "ben", note="hm")
    back = undo(info, "ada")
    assert (back.action, back.rows, back.kept, back.kept_count, back.reverts) == ("undo", 3, (2, 4), 2, 1)
    assert entries(info)[0] == back
    statuses = [row.state.status for row in Table(open_copy(info), ALL).rows([1, 2, 3, 4, 5])]
    assert statuses == ["pending", "rejected", "pending", "accepted", "pending"]
    assert [entry.seq for entry in history(info, 2)] == [2, 1] and [entry.seq for entry in history(info, 1)] == [4, 1]
    edit(info, 2, 2, "ben", status="pending")  # as before the bulk change, but by Ben: a redo leaves it alone
    forth = redo(info, "ada")
    assert (forth.rows, forth.kept, forth.reverts) == (3, (), 1)
    assert open_copy(info).state(2).status == "pending" and open_copy(info).state(1).status == "accepted"


def test_an_undo_names_a_thousand_rows_and_counts_all(make):
    info = make([{"question": f"What is {number}?", "answer": "It is."} for number in range(3000)])
    change_all(info, ALL, Operation("status", "accepted"), "ada")
    change_all(info, Query.parse(["row:in:..2001"]), Operation("tag", "b"), "ben")
    back = undo(info, "ada")
    assert (back.rows, back.kept_count, back.kept) == (1000, 2000, tuple(range(1, 1001)))


@pytest.mark.usefixtures("size")
def test_nothing_is_left_to_undo(info):
    change_all(info, FIVE, Operation("status", "accepted"), "ada")
    change_all(info, FIVE, Operation("tag", "b"), "ben")
    with pytest.raises(WrongState, match="Every row"):
        undo(info, "ada")
    assert len(entries(info)) == 2
    undo(info, "ben")
    assert undo(info, "ada").rows == 5


def test_whose_edit_is_undone(info):
    edit(info, 1, 0, "ada", status="accepted")
    edit(info, 2, 0, "ben", status="accepted")
    assert undoable(info, "ada").seq == 1 and redoable(info, "ada") is None
    with pytest.raises(WrongState, match="nothing of yours"):
        undo(info, "eve")
    assert undo(info, "eve", seq=1).reverts == 1
    assert undoable(info, "ada") is None
    with pytest.raises(WrongState, match="taken back already"):
        undo(info, "ada", seq=1)
    assert redo(info, "eve").action == "redo" and undoable(info, "ada").seq == 1
    taken = undo(info, "ada")
    assert undo(info, "ben", seq=taken.seq).action == "redo"
    assert open_copy(info).state(1).status == "accepted"
    with pytest.raises(NotFound):
        undo(info, "ada", seq=99)


@pytest.mark.usefixtures("size")
def test_a_column_that_was_added_and_taken_away_comes_back(info):
    said = Conversation((Message("system", "Be brief."), Message("user", "What is 1?"), Message("assistant", "One.")))
    edit_conversation(info, 1, 0, "ada", said)
    change_all(info, ALL, Operation("replace", "brief", {"by": "quick"}), "ada")
    assert shown(info)[0]["system"] == "Be quick."
    undo(info, "ada")
    undo(info, "ada")
    assert not shown(info)[0].get("system")
    redo(info, "ada")
    redo(info, "ada")
    assert shown(info)[0]["system"] == "Be quick."
    assert history(info, 1)[0].after.values["system"] == "Be quick."


def test_the_job_changes_rows_and_can_be_stopped(make):
    rows = [{"question": f"What is {number}?", "answer": "It is."} for number in range(5000)]
    info = make(rows)
    payload = {
        "dataset": info.ref,
        "query": ALL.to_dict(),
        "user": "ada",
        "operation": Operation("replace", "It is", {"by": "Is it"}).to_dict(),
    }
    with pytest.raises(Stopped):
        run_job(payload, FakeJob(lambda job: bool(job.said)))
    assert entries(info) == [] and list(edits_dir("small", 1).glob("*")) == []
    job = FakeJob()
    assert run_job(payload, job) == {"rows": 5000, "seq": 1, "kept": [], "kept_count": 0}
    assert job.said[-1]["done"] == job.said[-1]["total"] == 5000
    assert run_job(payload, job) == {"rows": 0, "seq": None, "kept": [], "kept_count": 0}


def test_a_damaged_or_missing_file_is_named(make):
    info = make([{"question": f"What is {number}?", "answer": "It is."} for number in range(1000)])
    made = change_all(info, ALL, Operation("tag", "a"), "ada")
    file = edits_dir("small", 1) / open_copy(info).overlay
    content = file.read_bytes()
    for damage in (lambda: file.write_bytes(content[:100]), file.unlink):
        damage()
        copy = open_copy(info)
        for look in (lambda: Table(copy, ALL).page(), lambda: copy.state(3)):  # noqa: B023
            with pytest.raises(StorageError, match="cannot be read"):
                look()
        with pytest.raises(StorageError):
            edit(info, 3, 1, "ada", status="accepted")
    file.write_bytes(content)
    (edits_dir("small", 1) / made.file).unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        history(info, 3)
    with pytest.raises(StorageError):
        undo(info, "ada")
    assert edit(info, 3, 1, "ada", status="accepted")


def test_a_full_disk_is_named(small_disk, make, monkeypatch):
    noise = random.Random(1).randbytes
    info = make([{"question": f"What is {number}?", "answer": noise(500).hex()} for number in range(1000)])
    (small_disk / "filler").write_bytes(b"x" * 900_000)
    monkeypatch.setattr(storage, "edits_dir", lambda name, version: small_disk / name)
    with pytest.raises(StorageError, match="small-disk"):
        change_all(info, ALL, Operation("replace", "0", {"by": "zero"}), "ada")
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["filler"]
    assert entries(info) == []


def flag(info, check, rows):
    """Store what a check found, as the job that runs the checks does."""
    path = storage.checks_file(info.name, info.version)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"row_id": pa.array(rows, pa.int64()), "check": [check] * len(rows)}), path)


@pytest.mark.usefixtures("size")
def test_what_a_check_found_is_mended(make):
    answers = ["It is cafÃ© au lait.", "It is café au lait.", "A naÃ¯ve cafÃ©."]
    info = make([{"question": f"What is {number}?", "answer": answer} for number, answer in enumerate(answers)])
    flag(info, "mojibake", [1, 2])  # the third one is wrong as well, but nobody asked for it
    mend = Operation("mend", "mojibake")
    assert [found.row_id for found in preview(info, ALL, mend).examples] == [1]
    made = change_all(info, ALL, mend, "ada")
    assert made.rows == 1 and "mojibake" in made.what
    assert [row["answer"] for row in shown(info)] == ["It is café au lait.", "It is café au lait.", "A naÃ¯ve cafÃ©."]
    undo(info, "ada")
    assert shown(info)[0]["answer"] == answers[0]


def test_a_mend_may_delete(make):
    info = make([{"question": f"What is {number}?", "answer": "The very same."} for number in (1, 2, 1, 2)])
    results.check(info, Settings())
    found = preview(info, ALL, Operation("mend", "exact_duplicate"))
    assert found.changing == 2 and found.examples[0].after is None
    assert change_all(info, ALL, Operation("mend", "exact_duplicate"), "ada").rows == 2
    assert [open_copy(info).state(row).deleted for row in (1, 2, 3, 4)] == [False, False, True, True]


def test_a_repeat_is_only_deleted_while_its_like_is_there(make):
    info = make([{"question": "Same?", "answer": "Yes, the very same."}] * 3)
    results.check(info, Settings())
    edit(info, 1, 0, "ada", deleted=True)  # the row that the others repeat
    assert preview(info, ALL, Operation("mend", "exact_duplicate")).changing == 0
    assert change_all(info, ALL, Operation("mend", "exact_duplicate"), "ada") is None
    undo(info, "ada")
    results.check(info, Settings())
    assert change_all(info, ALL, Operation("mend", "exact_duplicate"), "ada").rows == 2
