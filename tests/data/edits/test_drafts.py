"""Working copies that are opened, and edits that come in while a version is saved."""

from __future__ import annotations

import pytest

from lib.data.columns import ROW_ID
from lib.data.edits import Conflict, edit, entries, history, open_copy
from lib.data.edits.bulk import change_all
from lib.data.edits.operations import Operation
from lib.data.edits.undo import undo
from lib.data.filters import Query
from lib.data.table import Table
from lib.data.versions import save
from lib.errors import WrongState


def test_a_copy_is_a_snapshot(info):
    edit(info, 1, 0, "ada", status="accepted")
    copy = open_copy(info)
    edit(info, 1, 1, "ada", status="rejected")
    change_all(info, Query(), Operation("tag", "x"), "ada")
    assert copy.state(1).status == "accepted" and Table(copy, Query.parse(["status:is:accepted"])).ids() == [1]


def test_looking_at_a_dataset_writes_nothing(info, home):
    assert open_copy(info) == open_copy(info) and not open_copy(info).touched
    assert not (home / "edits").exists()


def test_edits_during_saving_go_on_in_the_new_version(info):
    edit(info, 1, 0, "ada", values={"answer": "One."})
    edit(info, 2, 0, "ada", note="first")
    edit(info, 3, 0, "ada", deleted=True)
    done = []

    def meanwhile(_rows, _total):
        if not done:
            done.append(edit(info, 2, 2, "ben", note="second"))
            done.append(change_all(info, Query.parse(["row:in:4..6"]), Operation("tag", "late"), "ben"))
            done.append(edit(info, 3, 3, "ben", note="gone"))  # the new version has no such row

    saved = save(info, "first look", "ada", meanwhile)
    copy = open_copy(saved)
    assert saved.rows == info.rows - 1 and copy.seq == 6
    assert [copy.state(row).note for row in (1, 2)] == ["", "second"] and copy.state(4).tags == ("late",)
    with copy.connect() as connection:
        assert connection.execute(f"SELECT {ROW_ID} FROM changes ORDER BY ALL").fetchall() == [(2,), (4,), (5,)]
    assert [copy.state(row).seq for row in (1, 2, 4)] == [0, 4, 5]
    with pytest.raises(WrongState, match=r"saved as version 2"):
        edit(info, 1, 1, "ada", status="accepted")
    with pytest.raises(WrongState, match=r"saved as version 2"):
        change_all(info, Query(), Operation("tag", "x"), "ada")
    with pytest.raises(WrongState, match=r"saved as version 2"):
        undo(info, "ada")
    assert open_copy(info).saved_as == 2
    assert edit(saved, 2, 4, "ada", note="third").seq == 7
    with pytest.raises(Conflict) as caught:
        edit(saved, 4, 0, "ada", note="late")
    assert caught.value.last.who == "ben"
    assert [entry.seq for entry in history(saved, 2)] == [7, 4, 2] and [entry.seq for entry in entries(saved)] == [7]


def test_what_was_reviewed_stays_so_in_the_next_version(info):
    edit(info, 1, 0, "ada", status="accepted", tags=["a"], note="fine", split="test")
    saved = save(info, "first look", "ada")
    copy = open_copy(saved)
    state = copy.state(1)
    assert (state.seq, state.status, state.tags, state.note, state.split) == (0, "accepted", ("a",), "fine", "test")
    assert not copy.touched
    assert edit(saved, 1, 0, "ada", tags=["a"], note="fine") is None
    assert edit(saved, 1, 0, "ada", tags=[]).before.tags == ("a",)
