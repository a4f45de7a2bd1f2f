"""Rows that are added: in whatever columns there are, with ids of their own, and no edit is lost."""

from __future__ import annotations

import pytest

from lib.data import datasets, versions
from lib.data.columns import ROW_ID, STATUS, TAGS
from lib.data.edits import RowState, edit, open_copy
from lib.data.imports.importer import import_source
from lib.data.versions.content import content_hash
from lib.errors import BadInput, CannotCarry, NotFound, WrongState
from lib.records import Conversation, Message
from tests.helpers import write_lines

ROWS = [{"instruction": f"Question {n}?", "input": "", "output": f"Answer {n}.", "source": "a"} for n in range(12)]
KEPT = RowState(status="accepted", tags=("playground",), note="kept")


def asked(question: str, answer: str, context: str = "", system: str = "") -> Conversation:
    first = (Message("system", system),) if system else ()
    return Conversation((*first, Message("user", question, context), Message("assistant", answer)))


def imported(tmp_path, rows=ROWS, name="set"):
    import_source(str(write_lines(tmp_path / f"{name}.jsonl", rows)), name, user="ann")
    return datasets.get(name)


def read(info, row_id):
    return dict(datasets.conversations(info))[row_id]


def test_a_row_is_added_in_the_columns_that_there_are(tmp_path):
    before = imported(tmp_path)
    new = asked("What is a sac?", "A pouch.", "anatomy")
    info, (row_id,) = versions.append("set", [new], "kept", "ann", KEPT)
    assert (info.version, info.rows, row_id, info.parent) == (2, 13, 13, 1)
    assert info.splits["train"] == before.splits["train"] + 1
    row = datasets.row(info, row_id)
    assert (row["instruction"], row["input"], row["output"], row["source"]) == (
        "What is a sac?",
        "anatomy",
        "A pouch.",
        None,
    )
    assert read(info, row_id) == new and read(info, 1) == read(before, 1)
    assert info.hash == content_hash(info) != before.hash
    (state,) = datasets.select(info, f"SELECT {STATUS}, {TAGS} FROM rows WHERE {ROW_ID} = 13")
    assert state == ("accepted", ["playground"])
    assert versions.origin(info) == datasets.DatasetRef("set", 1)
    assert versions.unsaved(info) == 0


def test_a_system_prompt_gets_a_column(tmp_path):
    imported(tmp_path)
    new = asked("Q?", "A.", system="Be brief.")
    info, (row_id,) = versions.append("set", [new], "kept", "ann")
    assert read(info, row_id) == new and read(info, 3).messages[0].role == "user"


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "a", "id": 7}, {"role": "assistant", "content": "b"}]},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
        {"text": "<s>[INST] a [/INST] b </s>"},
    ],
)
def test_every_form_takes_a_row(tmp_path, row):
    imported(tmp_path, [row] * 3)
    new = asked("What is a sac?", "A pouch.")
    info, (row_id,) = versions.append("set", [new], "kept", "ann")
    assert read(info, row_id) == new
    assert "7" not in str(datasets.row(info, row_id)), "what is said of another row stays with it"


def test_unsaved_edits_go_on_in_the_new_version(tmp_path):
    before = imported(tmp_path)
    edit(before, 2, 0, "bob", values={"output": "Better."})
    edit(before, 4, 0, "bob", deleted=True)
    info, (row_id,) = versions.append("set", [asked("Q?", "A.")], "kept", "ann")
    assert versions.unsaved(info) == 2
    assert open_copy(info).state(2).values == {"output": "Better."}
    with pytest.raises(WrongState, match="saved as version 2"):
        edit(before, 3, 0, "bob", status="accepted")
    with pytest.raises(WrongState, match="saved as version 2"):
        versions.save(before, "late", "bob")
    saved = versions.save(info, "edited", "bob")
    assert saved.rows == 12 and read(saved, row_id).answer() == "A." and read(saved, 2).answer() == "Better."


def test_the_number_of_a_row_that_is_gone_is_not_used_again(tmp_path):
    before = imported(tmp_path)
    edit(before, 12, 0, "bob", deleted=True)
    saved = versions.save(before, "last one out", "bob")
    assert saved.rows == 11
    assert versions.append("set", [asked("Q?", "A.")], "kept", "ann")[1] == [13]


def test_what_cannot_be_added_is_said(tmp_path):
    imported(tmp_path)
    with pytest.raises(CannotCarry):
        versions.append("set", [Conversation((Message("user", "Q?"),))], "kept", "ann")
    with pytest.raises(NotFound):
        versions.append("none", [asked("Q?", "A.")], "kept", "ann")
    with pytest.raises(BadInput, match="message"):
        versions.append("set", [asked("Q?", "A.")], " ", "ann")
    assert datasets.get("set").version == 1
