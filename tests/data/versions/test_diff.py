"""What differs between two versions."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from lib.data import datasets
from lib.data.edits import WorkingCopy, open_copy
from lib.data.imports.importer import import_source
from lib.data.versions import diff, save
from lib.data.versions.diff import fingerprint
from lib.errors import BadInput, WrongState
from tests.data.versions.conftest import ROWS, change, rows


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
