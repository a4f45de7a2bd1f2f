"""Saving: what becomes a version, what is refused, who wins; killed, stopped, on a full disk."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from lib import storage
from lib.data import datasets
from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS
from lib.data.edits import open_copy
from lib.data.imports.importer import import_source
from lib.data.mapping.roles import Mapping
from lib.data.versions import job as version_job
from lib.data.versions import lineage, present, review, save, unsaved
from lib.data.versions.content import content_hash
from lib.data.versions.save import write_version
from lib.database import Activity, session
from lib.errors import BadInput, Stopped, StudioError, WrongState
from lib.jobs import queue
from tests.data.versions.conftest import ROWS, change, rows, stored
from tests.helpers import FakeJob, python


def test_a_version_is_made_of_what_was_edited(info):
    change(info, 3, values={"answer": "Better."}, status="accepted", tags=("b", "a"), note="checked")
    change(info, 4, deleted=True)
    change(info, 5, split="validation")
    change(info, 6, values={"system": "Be brief.", "level": None})
    assert unsaved(info) == 4
    saved = save(info, "  four rows ", "ann")
    assert (saved.ref, saved.rows, saved.parent, saved.user) == ("faq@2", ROWS - 1, 1, "ann")
    expected = {"kind": "edits", "base": 1, "seq": 4, "message": "four rows", "edits": 4, "deleted": 1}
    assert saved.recipe == expected
    assert [column.name for column in saved.columns] == ["question", "answer", "level", "system"]
    assert saved.mapping == Mapping({"user": "question", "assistant": "answer", "system": "system"})
    assert sum(saved.splits.values()) == saved.rows and saved.splits["validation"] == 1
    assert (saved.label, saved.notes, saved.source, saved.refused) == (info.label, info.notes, info.source, 0)
    found = stored(saved)
    assert list(found) == [n for n in range(1, ROWS + 1) if n != 4]
    assert [found[3][name] for name in (STATUS, TAGS, NOTE)] == ["accepted", ["a", "b"], "checked"]
    assert found[3]["answer"] == "Better." and found[5][SPLIT] == "validation"
    assert found[6]["system"] == "Be brief." and found[6]["level"] is None
    assert found[7] == {**stored(info)[7], "system": None, STATUS: "pending", TAGS: [], NOTE: ""}
    conversations = dict(datasets.conversations(saved))
    assert [message.role for message in conversations[6].messages] == ["system", "user", "assistant"]
    with session() as opened:
        note = opened.scalars(select(Activity).order_by(Activity.id.desc())).first()
    assert (note.who, note.what) == ("ann", "saved faq@2: four rows")


def test_review_states_live_on_from_version_to_version(info):
    change(info, 3, status="accepted", tags=("good",), note="n")
    second = save(info, "one", "ann")
    change(second, 4, status="rejected")
    third = save(second, "two", "ben")
    assert review(open_copy(third)).statuses == {"pending": ROWS - 2, "accepted": 1, "rejected": 1}
    assert datasets.rejected(third) == {4} and not datasets.rejected(info)
    kept = [row_id for row_id, _ in datasets.conversations(third, without=datasets.rejected(third))]
    assert 4 not in kept and len(kept) == third.rows - 1
    assert review(open_copy(third)).tags == {"good": 1}
    state = open_copy(third).state(3)
    assert (state.seq, state.status, state.tags, state.note) == (0, "accepted", ("good",), "n")
    assert [step.ref for step in lineage(third)] == ["faq@1", "faq@2", "faq@3"]


def test_what_cannot_be_saved_is_refused_by_name(info):
    with pytest.raises(WrongState, match="no unsaved edits"):
        save(info, "nothing", "ann")
    change(info, 3, values={"answer": "x"})
    change(info, 3, values={"answer": "Answer 2."})
    with pytest.raises(WrongState, match="no unsaved edits"):
        save(info, "back again", "ann")
    change(info, 3, status="accepted")
    for message in ("", "   ", "x" * 501):
        with pytest.raises(BadInput, match="message"):
            save(info, message, "ann")
    save(info, "x" * 500, "ann")
    with pytest.raises(WrongState, match="saved as version 2"):
        save(info, "again", "ann")
    assert datasets.version_numbers("faq") == [1, 2]
    assert unsaved(info) == 0 and not present(info).touched


def test_a_version_needs_rows(write_rows):
    import_source(write_rows(rows(2)), "two")
    info = datasets.get("two")
    for row_id in (1, 2):
        change(info, row_id, deleted=True)
    with pytest.raises(WrongState, match="Every row"):
        save(info, "all gone", "ann")


def test_unsaved_counts_rows_that_differ(info):
    assert unsaved(info) == 0
    change(info, 3, tags=("a",))
    change(info, 3, note="n")
    change(info, 4, values={"answer": "x"})
    change(info, 5, deleted=True)
    assert unsaved(info) == 3
    change(info, 4, values={"answer": "Answer 3."})
    change(info, 5, deleted=False)
    assert unsaved(info) == 1


def test_edits_that_come_in_while_saving_are_carried_over(info):
    change(info, 3, values={"answer": "before"})
    written = write_version(open_copy(info), "first half", "ann")
    change(info, 3, values={"answer": "meanwhile"})
    change(info, 4, deleted=True)
    copy = open_copy(written)
    assert copy.state(3).values == {"answer": "meanwhile"} and copy.state(4).deleted
    assert unsaved(written) == 2
    with pytest.raises(WrongState, match="version 2"):
        change(info, 5, status="accepted")
    third = save(written, "the rest", "ann")
    assert stored(third)[3]["answer"] == "meanwhile" and 4 not in stored(third)


def test_a_row_brought_back_while_saving_is_saved(info, leftovers):
    change(info, 3, deleted=True)
    change(info, 4, deleted=True)

    def bring_back(*progress: object) -> None:
        if open_copy(info).state(3).deleted:
            change(info, 3, deleted=False)

    saved = save(info, "one of them", "ann", bring_back)
    assert (saved.version, saved.rows, unsaved(saved)) == (2, ROWS - 1, 0)
    assert 3 in stored(saved) and 4 not in stored(saved)
    assert not [path for path in leftovers() if "/." in path]


def test_stopping_leaves_nothing(info, leftovers):
    change(info, 3, status="accepted")
    before = leftovers()
    payload = {"dataset": "faq@1", "message": "m", "user": "ann"}
    with pytest.raises(Stopped):
        version_job.run_job(payload, FakeJob(lambda job: True))
    assert leftovers() == before
    job = FakeJob()
    assert version_job.run_job(payload, job) == {"dataset": "faq@2", "version": 2, "rows": ROWS}
    assert job.said[-1]["done"] == ROWS and queue.KINDS["save"][0] == "light"


def test_of_two_who_save_one_wins(info):
    change(info, 3, status="accepted")

    def attempt(user: str) -> str:
        try:
            return save(info, f"by {user}", user).ref
        except StudioError as error:
            return f"{type(error).__name__}: {error.message}"

    with ThreadPoolExecutor(4) as people:
        results = sorted(people.map(attempt, ["ann", "ben", "cyd", "dan"]))
    assert results == ["WrongState: The edits of faq@1 were saved as version 2."] * 3 + ["faq@2"]
    assert datasets.version_numbers("faq") == [1, 2]


def test_a_version_that_comes_in_between_is_not_overwritten(info, write_rows, leftovers):
    change(info, 3, status="accepted")
    done = []

    def import_meanwhile(*progress: object) -> None:
        if not done:
            done.append(import_source(write_rows(rows(20)), "faq"))

    saved = save(info, "late", "ann", import_meanwhile)
    assert (saved.version, saved.parent, saved.rows) == (3, 1, ROWS)
    assert datasets.get("faq@2").rows == 20 and lineage(datasets.get("faq@2")) == [datasets.get("faq@2")]
    assert not [path for path in leftovers() if "/." in path]


def test_a_full_disk_is_named(info, small_disk, monkeypatch, write_rows):
    noise = random.Random(1)
    texts = [{"question": noise.randbytes(9000).hex(), "answer": "a"} for _ in range(60)]
    monkeypatch.setenv("STUDIO_HOME", str(small_disk))
    import_source(write_rows(texts), "big")
    change(datasets.get("big"), 1, status="accepted")
    with pytest.raises(StudioError, match="full"):
        save(datasets.get("big"), "m", "ann")
    assert datasets.version_numbers("big") == [1]
    assert not list(storage.dataset_dir("big").glob(".v*"))


@pytest.fixture
def large(write_rows):
    """Large enough for its saving to be caught in the act."""
    chance = random.Random(2)
    import_source(
        write_rows([{"question": f"q{n}", "answer": chance.randbytes(300).hex()} for n in range(40_000)]), "large"
    )
    return datasets.get("large")


def test_killed_at_any_moment_it_is_as_before_or_as_after(large):
    change(large, 3, values={"answer": "saved"})
    chance = random.Random(3)
    for row_id in range(4, 10):
        process = python("-m", "tests.data.versions.saving_process", "large")
        assert process.stdout and process.stdout.readline() == "saving\n"
        time.sleep(chance.uniform(0, 0.6))
        process.kill()
        process.communicate()
        if datasets.version_numbers("large") == [1, 2]:
            break
        assert datasets.version_numbers("large") == [1] and unsaved(large) == row_id - 3
        change(large, row_id, status="accepted")
    if datasets.version_numbers("large") == [1]:
        save(large, "at last", "ann")
    second = datasets.get("large@2")
    assert second.hash == content_hash(second) and second.rows == len(stored(second)) == 40_000
    assert datasets.row(second, 3)["answer"] == "saved"
    assert unsaved(second) == 0
    change(second, 20, status="rejected")
    assert save(second, "on it goes", "ann").version == 3
    assert not list(storage.dataset_dir("large").glob(".v*"))


def test_no_edit_is_lost_while_a_process_saves(large):
    change(large, 1, status="accepted")
    process = python("-m", "tests.data.versions.saving_process", "large")
    assert process.stdout and process.stdout.readline() == "saving\n"
    edited = []
    try:
        for row_id in range(2, 5000):
            change(large, row_id, note=f"note {row_id}")
            edited.append(row_id)
    except WrongState as error:
        assert "version 2" in error.message
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and out == "large@2\n", err
    with open_copy(datasets.get("large@2")).connect() as connection:
        found = dict(connection.execute(f"SELECT {ROW_ID}, {NOTE} FROM rows WHERE {NOTE} <> ''").fetchall())
    assert edited and found == {row_id: f"note {row_id}" for row_id in edited}
