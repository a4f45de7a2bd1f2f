"""Reading what was imported: references, pages, search, conversations."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.errors import BadInput, NotFound, StorageError
from lib.storage import version_dir

ROWS = [{"id": n, "question": f"Question {n}", "answer": f"Äpfel {n}", "tags": [f'a "{n}"', "ü"]} for n in range(300)]


@pytest.fixture
def info(write_rows):
    import_source(write_rows(ROWS), "numbers")
    return datasets.get("numbers")


def test_references():
    assert datasets.DatasetRef.parse("a@3") == datasets.DatasetRef("a", 3)
    assert str(datasets.DatasetRef.parse(" a ")) == "a"
    for text in ("", "a@x", "A b", "../x", "a@"):
        with pytest.raises(BadInput):
            datasets.DatasetRef.parse(text)


def test_list_get_and_versions(info, write_rows, home):
    import_source(write_rows(ROWS[:20]), "numbers")
    import_source(write_rows(ROWS[:20]), "other")
    (home / "datasets/unfinished/v0001").mkdir(parents=True)
    (home / "datasets/.scratch").mkdir()
    assert [(found.name, found.version) for found in datasets.list_datasets()] == [("other", 1), ("numbers", 2)]
    assert [found.version for found in datasets.versions("numbers")] == [1, 2]
    assert datasets.get("numbers@1") == info
    assert info.to_dict()["rows"] == 300
    with pytest.raises(NotFound, match="Did you mean numbers"):
        datasets.get("nubmers")
    with pytest.raises(NotFound, match="Versions: 1, 2"):
        datasets.get("numbers@7")
    with pytest.raises(NotFound, match="no version 0"):
        datasets.get("numbers@0")
    with pytest.raises(NotFound, match="no dataset none"):
        datasets.versions("none")


def test_pages_are_in_order_and_complete(info):
    seen = []
    for offset in range(0, 300, 70):
        page = datasets.page(info, limit=70, offset=offset)
        assert page.total == 300
        seen += [row["_row_id"] for row in page.rows]
    assert seen == list(range(1, 301))
    assert datasets.page(info, limit=10, offset=1000) == datasets.Page([], 300)
    row = datasets.row(info, 8)
    assert {key: row[key] for key in ROWS[7]} == ROWS[7]
    with pytest.raises(NotFound, match="no row 999"):
        datasets.row(info, 999)


def test_splits(info):
    test = datasets.page(info, split="test", limit=300)
    assert test.total == len(test.rows) == info.splits["test"] == datasets.count(info, "test")
    assert {row["_split"] for row in test.rows} == {"test"}
    assert datasets.count(info) == 300


@pytest.mark.parametrize(
    ("search", "total"),
    [
        ("question 29", 11),
        ("äPFEL", 300),
        ('"17"', 1),
        ("ü", 300),
        ("%", 0),
        ("_", 0),
        ("' OR 1=1 --", 0),
        ('"; DROP TABLE rows; --', 0),
        ("?", 0),
        ("\\", 0),
        ("\0", 0),
    ],
)
def test_search_is_for_the_text_itself(info, search, total):
    page = datasets.page(info, search=search, limit=5)
    assert page.total == total and len(page.rows) == min(5, total)
    assert datasets.page(info, search=search, offset=400).total == total


def test_conversations_are_streamed_in_order(info):
    found = list(datasets.conversations(info))
    assert [row_id for row_id, _ in found] == list(range(1, 301))
    assert [message.content for message in found[4][1].messages] == ["Question 4", "Äpfel 4"]
    assert len(list(datasets.conversations(info, limit=7))) == 7
    held_out = [row_id for row_id, _ in datasets.conversations(info, "test")]
    assert held_out == [row["_row_id"] for row in datasets.page(info, split="test", limit=300).rows]


def test_nested_messages_are_decoded(write_rows):
    row = {"conversations": [{"from": "human", "value": "a\0b"}, {"from": "gpt", "value": "c"}]}
    import_source(write_rows([row]), "chat")
    [(row_id, conversation)] = datasets.conversations(datasets.get("chat"))
    assert row_id == 1 and conversation.messages[0].content == "a\0b"


def test_damaged_files_are_named(info):
    info.rows_file.write_bytes(b"PAR1 no")
    with pytest.raises(StorageError, match="cannot be read"):
        datasets.page(info)
    with pytest.raises(StorageError, match="cannot be read"):
        list(datasets.conversations(info))
    (version_dir("numbers", 1) / "manifest.json").write_text("{}")
    with pytest.raises(StorageError, match="damaged"):
        datasets.get("numbers")
    assert datasets.list_datasets() == []
