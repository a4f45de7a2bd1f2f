"""Saving, restoring, branching, comparing and removing versions, with real files, a real database, real processes."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from lib import storage
from lib.data import datasets
from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS
from lib.data.edits import WorkingCopy, edit, open_copy
from lib.data.imports.importer import import_source
from lib.data.mapping.roles import Mapping
from lib.data.versions import branch, diff, lineage, present, remove, restore, review, save, unsaved
from lib.data.versions import job as version_job
from lib.data.versions.content import ContentHash, blocks, content_hash
from lib.data.versions.diff import fingerprint
from lib.data.versions.save import write_version
from lib.database import Activity, Comparison, Draft, JournalEntry, RowEdit, Run, session
from lib.errors import BadInput, NotFound, Stopped, StudioError, WrongState
from lib.jobs import queue
from tests.helpers import FakeJob, python, wait_until

ROWS = 40


def rows(count: int = ROWS) -> list[dict]:
    return [{"question": f"Question {n}?", "answer": f"Answer {n}.", "level": n % 3} for n in range(count)]


@pytest.fixture
def info(write_rows):
    import_source(write_rows(rows()), "faq")
    return datasets.get("faq")


def change(info, row_id: int, **fields):
    """Edit a row as it is now."""
    return edit(info, row_id, open_copy(info).state(row_id).seq, "ann", **fields)


def stored(info) -> dict[int, dict]:
    return {row[ROW_ID]: row for row in pq.read_table(info.rows_file).to_pylist()}


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


def test_the_same_content_has_the_same_hash(info):
    change(info, 3, values={"answer": "x"})
    second = save(info, "there", "ann")
    change(second, 3, values={"answer": "Answer 2."})
    third = save(second, "and back", "ann")
    change(third, 3, status="accepted", tags=("t",), note="n")
    fourth = save(third, "reviewed", "ann")
    restored = restore("faq", 1, "from the start", "ann")
    branched = branch("faq@3", "other", "ann")
    assert second.hash != third.hash
    assert third.hash == fourth.hash == restored.hash == branched.hash == content_hash(info)
    change(restored, 3, split="test" if open_copy(restored).state(3).split == "train" else "train")
    assert save(restored, "split", "ann").hash != third.hash


def test_the_hash_is_of_values_not_of_batches_and_tells_them_apart(info):
    table = pq.read_table(info.rows_file)

    def digest(table: pa.Table, size: int = 1000) -> str:
        found = ContentHash(info.columns, info.mapping)
        for batch in table.to_batches(max_chunksize=size):
            found.update(pa.Table.from_batches([batch]))
        return found.hexdigest()

    def other(name: str, values: list) -> pa.Table:
        column = table.schema.get_field_index(name)
        return table.set_column(column, name, pa.array(values, table.schema.field(name).type))

    answers = table.column("answer").to_pylist()
    whole = digest(table)
    assert whole == digest(table, 7) == content_hash(info)
    tables = [
        table,
        table.slice(1),
        other("answer", ["", *answers[1:]]),
        other("answer", [None, *answers[1:]]),
        other("answer", [answers[0] + answers[1][:1], answers[1][1:], *answers[2:]]),
        other("answer", [answers[1], answers[0], *answers[2:]]),
        other("level", [None, *table.column("level").to_pylist()[1:]]),
        other(ROW_ID, [99, *table.column(ROW_ID).to_pylist()[1:]]),
    ]
    assert len({digest(one) for one in tables}) == len(tables)
    assert ContentHash(info.columns, Mapping()).hexdigest() != ContentHash(info.columns, info.mapping).hexdigest()


def test_odd_column_names_and_kinds(write_rows):
    row = {
        "id": 1,
        "rowid": 2.5,
        "select": True,
        '"': "quote",
        "it's": [1, {"a": None}],
        "a": "x",
        "b": "y",
        "before": 1,
        "kind": "k",
        "content": "c",
        "instruction": "Hi",
        "output": "Ho",
        "rows": 3,
        "saved": 4,
        "changes": None,
    }
    import_source(write_rows([row | {"id": n} for n in range(5)]), "odd")
    info = datasets.get("odd")
    values = {"id": 7, "rowid": 0.5, "select": False, '"': "'\"", "it's": {"new": []}, "content": "", "kind": "l"}
    change(info, 2, values=values)
    found = diff(info, open_copy(info))
    saved = save(info, "odd", "ann")
    assert datasets.row(saved, 2).items() >= {**row, **values}.items()
    assert datasets.row(saved, 1).items() >= (row | {"id": 0}).items()
    for comparison in (found, diff(info, saved)):
        assert (comparison.changed, comparison.unchanged) == (1, 4)
        [entry] = comparison.rows()
        assert entry.fields == {name: ((row | {"id": 1})[name], value) for name, value in values.items()}


def test_two_thousand_columns(write_rows):
    import_source(write_rows([{"question": "q", "answer": "a", **{f"c{n}": n for n in range(2000)}}] * 3), "wide")
    info = datasets.get("wide")
    change(info, 2, values={"c1999": 5})
    saved = save(info, "wide", "ann")
    assert len(saved.columns) == 2002 and datasets.row(saved, 2)["c1999"] == 5
    assert diff(info, saved).rows()[0].fields == {"c1999": (1999, 5)}


def test_blocks_cover_all_rows_in_order(info, monkeypatch, tmp_path):
    table = pq.read_table(info.rows_file)
    pq.write_table(table, info.rows_file, row_group_size=7)
    assert list(blocks(info)) == [(1, ROWS)]
    monkeypatch.setattr("lib.data.versions.content.BLOCK_ROWS", 20)
    assert list(blocks(info)) == [(1, 14), (15, 28), (29, 40)]
    change(info, 15, deleted=True)
    told = []
    saved = save(info, "in blocks", "ann", lambda *progress: told.append(progress))
    assert list(stored(saved)) == [n for n in range(1, ROWS + 1) if n != 15]
    assert saved.hash == content_hash(saved)
    assert told[-1] == (ROWS, ROWS) and len(told) == 4


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


def test_restore_makes_an_old_version_the_latest(info):
    change(info, 3, values={"answer": "x"})
    second = save(info, "changed", "ann")
    change(second, 4, status="accepted")
    with pytest.raises(WrongState, match="1 row with unsaved edits"):
        restore("faq", 1, "back", "ben")
    restored = restore("faq", 1, "back", "ben", discard=True)
    assert (restored.version, restored.parent, restored.user) == (3, 2, "ben")
    assert restored.recipe == {"kind": "restore", "base": 1, "message": "back"}
    assert stored(restored) == stored(info)
    assert (restored.columns, restored.mapping, restored.splits) == (info.columns, info.mapping, info.splits)
    assert unsaved(second) == 1 and unsaved(restored) == 0
    assert [step.ref for step in lineage(restored)] == ["faq@1", "faq@3"]
    with pytest.raises(WrongState, match="is the latest"):
        restore("faq", 3, "again", "ben")
    with pytest.raises(NotFound, match="no version 9"):
        restore("faq", 9, "again", "ben")
    with pytest.raises(BadInput, match="no message"):
        restore("faq", 1, " ", "ben")
    change(restored, 5, deleted=True)
    assert save(restored, "on", "ben").rows == ROWS - 1 and stored(info)[5]


def test_branch_begins_a_dataset(info):
    change(info, 3, values={"answer": "x"})
    second = save(info, "changed", "ann")
    change(second, 4, deleted=True)
    begun = branch("faq@2", "faq-short", "ann")
    assert (begun.ref, begun.parent, begun.recipe) == ("faq-short@1", None, {"kind": "branch", "from": "faq@2"})
    assert stored(begun) == stored(second) and unsaved(begun) == 0
    change(begun, 5, deleted=True)
    shorter = save(begun, "shorter", "ann")
    assert [step.ref for step in lineage(shorter)] == ["faq@1", "faq@2", "faq-short@1", "faq-short@2"]
    assert (diff(info, shorter).removed, diff(info, shorter).changed) == (1, 1)
    for name, error in (("faq-short", WrongState), ("faq", WrongState), ("A B", BadInput)):
        with pytest.raises(error):
            branch("faq@2", name, "ann")
    remove("faq", "ann")
    assert [step.ref for step in lineage(shorter)] == ["faq-short@1", "faq-short@2"]
    assert len(stored(begun)) == ROWS


def test_diff_tells_what_changed(info):
    change(info, 3, values={"answer": "Better."}, status="accepted")
    change(info, 4, deleted=True)
    change(info, 5, tags=("a",), note="n")
    change(info, 6, values={"level": 9})
    change(info, 7, values={"system": "Be brief."})
    copy = open_copy(info)
    saved = save(info, "five", "ann")
    for found in (diff(info, copy), diff(info, saved)):
        assert (found.added, found.removed, found.changed, found.unchanged) == (0, 1, 4, ROWS - 5)
        assert found.fields == {"content": 3, "split": 0, "status": 1, "tags": 1, "note": 1}
        assert (found.columns_added, found.columns_removed, found.mapping_changed) == (("system",), (), True)
        by_id = {row.row_id: row for row in found.rows()}
        assert list(by_id) == [3, 4, 5, 6, 7]
        assert by_id[3].before.answer() == "Answer 2." and by_id[3].after.answer() == "Better."
        assert by_id[3].fields == {"status": ("pending", "accepted")}
        assert (by_id[4].kind, by_id[4].after) == ("removed", None) and by_id[4].before.answer() == "Answer 3."
        assert by_id[5].fields == {"tags": ((), ("a",)), "note": ("", "n")}
        assert by_id[6].fields == {"level": (2, 9)} and by_id[6].before == by_id[6].after
        assert by_id[7].after.messages[0].content == "Be brief." and by_id[7].fields == {}
        assert [row.row_id for row in found.rows("content")] == [3, 6, 7]
        assert [row.row_id for row in found.rows("changed", limit=2, offset=1)] == [5, 6]
        assert found.rows("added") == [] and found.rows(limit=0) == []
        with pytest.raises(BadInput, match="no kind"):
            found.rows("moved")
    back = diff(saved, info)
    assert (back.added, back.removed, back.columns_removed) == (1, 0, ("system",))
    assert back.rows("added")[0].after.answer() == "Answer 3."
    same = diff(saved, WorkingCopy(saved))
    assert (same.changed, same.unchanged, same.rows(), same.mapping_changed) == (0, ROWS - 1, [], False)


def test_no_two_rows_are_taken_for_the_same():
    texts = [
        "",
        "NULL",
        None,
        "a",
        "a, b",
        "'",
        "''",
        '"',
        "\\",
        "\\'",
        "', '",
        "]",
        "[a]",
        " ",
        " a",
        ",",
        "a\n",
        "NULL, ",
    ]
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"one": pa.array(texts, pa.string())}))
        sql = f"""SELECT count(*), count(DISTINCT {fingerprint(["a.one", "b.one"])}) FROM given a, given b"""
        assert connection.execute(sql).fetchall() == [(len(texts) ** 2, len(texts) ** 2)]


def test_what_cannot_be_compared_is_refused(info, write_rows):
    import_source(write_rows(rows(20)), "other")
    with pytest.raises(BadInput, match="no version in common"):
        diff(info, datasets.get("other"))
    change(info, 3, status="accepted")
    copy = open_copy(info)
    written = save(info, "m", "ann")
    change(written, 4, status="accepted")
    with pytest.raises(WrongState, match="Both sides"):
        diff(copy, open_copy(written))
    across = diff(info, open_copy(written))
    assert across.fields["status"] == 2 and [row.row_id for row in across.rows()] == [3, 4]


def test_a_row_that_cannot_be_read_shows_its_columns(write_rows):
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    import_source(write_rows([{"messages": turns}] * 3), "chats")
    info = datasets.get("chats")
    change(info, 2, values={"messages": []})
    [row] = diff(info, open_copy(info)).rows()
    assert row.after is None and row.fields == {"messages": (turns, [])}


def test_removing_a_dataset_leaves_nothing_of_it(info, write_rows, home):
    change(info, 3, status="accepted")
    save(info, "m", "ann")
    for folder in ("edits", "checks", "measures"):
        (home / folder / "faq" / "v0001").mkdir(parents=True, exist_ok=True)
    import_source(write_rows(rows(20)), "kept")
    change(datasets.get("kept"), 3, status="accepted")
    remove("faq", "ann")
    with pytest.raises(NotFound):
        datasets.versions("faq")
    with pytest.raises(NotFound):
        remove("faq", "ann")
    left = [
        str(path.relative_to(home)) for path in home.rglob("*") if path.name == "faq" or path.name.startswith(".faq")
    ]
    assert left == []
    with session() as opened:
        for table in (Draft, RowEdit, JournalEntry):
            assert opened.scalar(select(func.count()).select_from(table).where(table.dataset == "faq")) == 0
            assert opened.scalar(select(func.count()).select_from(table).where(table.dataset == "kept")) == 1
        assert (
            opened.scalars(select(Activity.what).order_by(Activity.id.desc())).first()
            == "removed the dataset faq, 2 versions"
        )
    import_source(write_rows(rows()), "faq")
    assert unsaved(datasets.get("faq")) == 0 and open_copy(datasets.get("faq")).state(3).status == "pending"


def live_run(opened, job_id: int) -> None:
    opened.add(Run(id="calm-owl", job_id=job_id, dataset="faq", version=1, model="m", template="t", config={}))


def live_comparison(opened, job_id: int) -> None:
    opened.add(Comparison(job_id=job_id, runs=[], dataset="faq", version=1, split="test", config={}))


@pytest.mark.parametrize(
    ("kind", "payload", "more", "said"),
    [
        ("train", {"run": "calm-owl"}, live_run, "the run calm-owl"),
        ("compare", {"comparison": 1}, live_comparison, "comparison 1"),
        ("check", {"dataset": "faq@1"}, None, "check"),
        ("save", {"dataset": "faq@1", "message": "m", "user": "ann"}, None, "save"),
        ("import", {"source": "x", "name": "faq"}, None, "import"),
    ],
)
def test_a_dataset_in_use_stays(info, write_rows, kind, payload, more, said):
    import_source(write_rows(rows(20)), "unused")
    job_id = queue.submit(kind, payload, "ann")
    if more:
        with session() as opened:
            more(opened, job_id)
    with pytest.raises(WrongState, match=said):
        remove("faq", "ann")
    assert datasets.get("faq") == info
    remove("unused", "ann")
    queue.stop(job_id)
    remove("faq", "ann")


def test_a_damaged_dataset_can_be_removed(info):
    (info.path / storage.MANIFEST).write_text("{}")
    remove("faq", "ann")
    assert datasets.list_datasets() == []


def test_the_job_runs_in_a_process_of_its_own(info, no_process_left):
    from lib.jobs import worker

    change(info, 3, status="accepted")
    job_id = queue.submit("save", {"dataset": "faq@1", "message": "m", "user": "ann"}, "ann")
    worker.ensure()
    wait_until(lambda: not queue.get(job_id).live, "the job ends")
    assert queue.get(job_id).result == {"dataset": "faq@2", "version": 2, "rows": ROWS}
