"""Shapes of rows: nothing is lost that a shape can carry, and our own importer reads the same conversations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.errors import BadInput
from lib.export import shapes
from lib.export.dataset import export_dataset, export_folder
from lib.export.options import COLUMNS, FORMATS, ExportOptions
from lib.formats import context, labels, load_tokenizer, render_text
from lib.records import Conversation, Message
from tests.export.files import columns_of, dataset, read
from tests.formats.conversations import talk
from tests.formats.strategies import MILD, conversations, examples

some = examples(3)
WORDS = [part for part in MILD if part.strip()]
SHEET = [*WORDS, ",", ";", '"', '""', "'", "\n", "\r\n", "\t", "{", "[", "null", "1", "=", "x"]


def read_back(path: Path, name: str) -> list[Conversation]:
    """What our importer makes of a file; an apostrophe that guards a cell is taken off by hand."""
    import_source(str(path), name, test_fraction=0)
    return [conversation for _, conversation in datasets.conversations(datasets.get(name))]


def joined(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, context.join(message.content, message.context)) for message in conversation.messages]


def unguarded(text: str, original: str) -> str:
    return text.removeprefix("'") if text == "'" + original else text


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("shape", ["messages", "sharegpt", "alpaca", "prompt-completion", "text"])
@some
@given(data=st.data())
def test_every_file_reads_back(tmp_path: Path, shape, ending, data) -> None:
    one_pair = shape in ("alpaca", "prompt-completion")
    parts = WORDS if shape == "text" else SHEET
    rows = data.draw(st.lists(conversations(parts, one_pair=one_pair), min_size=1, max_size=12))
    info = dataset(tmp_path, [row.to_dict() for row in rows])
    options = ExportOptions(shape, template="chatml" if shape == "text" else None, keep_good=shape == "text")
    out = tmp_path / f"out{ending}"
    try:
        export_dataset(info, options, out)
    except BadInput as error:
        assert "left to write" in error.message
        return
    found = read_back(out, f"back-{info.name}")
    if shape == "text":
        rows = [row for row in rows if carried(row)]
    assert len(found) == len(rows)
    for after, before in zip(found, rows, strict=True):
        if shape == "alpaca":
            assert fields(after, before) == [(m.role, m.content, m.context) for m in before.messages]
        else:
            pairs = zip(joined(after), joined(before), strict=True)
            assert [(role, unguarded(text, old)) for (role, text), (_, old) in pairs] == joined(before)


def fields(after: Conversation, before: Conversation) -> list[tuple[str, str, str]]:
    pairs = zip(after.messages, before.messages, strict=True)
    return [(m.role, unguarded(m.content, old.content), unguarded(m.context, old.context)) for m, old in pairs]


def carried(row: Conversation) -> bool:
    try:
        render_text(row, "chatml")
    except Exception:
        return False
    return True


def test_alpaca_gives_the_same_three_fields(tmp_path):
    rows = [
        {"instruction": " Add ", "input": "2\r\n3\n", "output": "\t5 "},
        {"instruction": "Say\u2028hi", "input": "", "output": ""},
    ]
    for ending in FORMATS:
        export_dataset(dataset(tmp_path, rows), ExportOptions("alpaca"), tmp_path / f"out{ending}")
        found = read(tmp_path / f"out{ending}")
        guard = "'" if ending == ".csv" else ""
        assert found == [{**rows[0], "output": guard + rows[0]["output"]}, rows[1]]


def test_spellings(tmp_path):
    row = talk("s:Be brief.", "u:Sum up", "a:It is.", "t:42", "a:So.", context="the text")
    info = dataset(tmp_path, [row.to_dict()])
    export_dataset(info, ExportOptions("sharegpt"), tmp_path / "out.json")
    ((_, conversation),) = read(tmp_path / "out.json")[0].items()
    assert [turn["from"] for turn in conversation] == ["system", "human", "gpt", "observation", "gpt"]
    assert conversation[1]["value"] == "Sum up\n\n### Input:\nthe text"
    report = export_dataset(info, ExportOptions("messages", template="llama2"), tmp_path / "out.json")
    assert "llama2 is not used" in report.lines()[0]
    assert read(tmp_path / "out.json")[0]["messages"][0] == {"role": "system", "content": "Be brief."}


REFUSED = {
    "message 1 (system)": talk("s:S", "u:a", "a:b"),
    "message 3 (tool)": talk("u:a", "a:b", "t:c", "a:d"),
    "message 3 (user)": talk("u:a", "a:b", "u:c", "a:d"),
    "without an answer": talk("u:a"),
    "message 2 (user)": talk("u:a", "u:b"),
    "message 1 (assistant)": talk("a:a", "u:b"),
}


@pytest.mark.parametrize("shape", ["alpaca", "prompt-completion"])
@pytest.mark.parametrize("reason", REFUSED)
def test_one_pair_shapes_refuse_by_name(tmp_path, shape, reason):
    info = dataset(tmp_path, [REFUSED[reason].to_dict()])
    with pytest.raises(BadInput) as caught:
        export_dataset(info, ExportOptions(shape), tmp_path / "out.json")
    assert caught.value.message.startswith(f"Row 1: {shape} cannot carry") and reason in caught.value.message


def test_unrolled_rows_are_counted(tmp_path):
    rows = [talk("s:S", "u:a", "a:b", "u:c", "a:d"), talk("u:e", "a:f"), talk("u:g", "u:h")]
    info = dataset(tmp_path, [row.to_dict() for row in rows])
    report = export_dataset(info, ExportOptions("alpaca", unroll=True, keep_good=True), tmp_path / "out.json")
    assert [row["output"] for row in read(tmp_path / "out.json")] == ["b", "d", "f"]
    assert (report.rows, report.unrolled, report.left_out) == (3, 1, 1)
    export_dataset(info, ExportOptions(template="alpaca", unroll=True, keep_good=True), tmp_path / "text.json")
    assert len(read(tmp_path / "text.json")) == 3


@pytest.mark.parametrize("template", ["llama2", "chatml", "alpaca", "plain", "guanaco"])
@pytest.mark.parametrize("specials", [True, False])
def test_prompt_and_completion_make_the_text(tmp_path, template, specials):
    info = dataset(tmp_path, [{"instruction": "Say hi", "input": "", "output": "Hi."}])
    for shape in ("text", "prompt-completion"):
        export_dataset(info, ExportOptions(shape, template, specials=specials), tmp_path / f"{shape}.json")
    ((prompt, completion),) = [row.values() for row in read(tmp_path / "prompt-completion.json")]
    assert [{"text": prompt + completion}] == read(tmp_path / "text.json")
    assert "Say hi" in prompt and "Hi." in completion and "Hi." not in prompt


@pytest.fixture
def model(tiny_home) -> str:
    return "tiny"


@pytest.mark.parametrize("ending", FORMATS)
def test_ids_are_those_of_training(tmp_path, model, ending):
    rows = [talk("u:Say hi", "a:Hi."), talk("u:Count", "a:" + "one two " * 30), talk("u:A", "a:B", "u:C", "a:D")]
    info = dataset(tmp_path, [row.to_dict() for row in rows])
    tokenizer = load_tokenizer(tmp_path / "home" / "models" / "tiny")
    tokens = [tokenizer.encode_conversation(row, "chatml") for row in rows]
    expected = [{"input_ids": found.ids, "labels": labels(found)} for found in tokens]
    options = ExportOptions("ids", template="chatml", tokenizer=model)
    report = export_dataset(info, options, tmp_path / f"ids{ending}")
    found = read(tmp_path / f"ids{ending}")
    if ending == ".csv":
        found = [{name: json.loads(value) for name, value in row.items()} for row in found]
    assert found == expected and report.long_rows is None
    whole = ExportOptions("ids", template="chatml", tokenizer=model, train_on_prompt=True)
    export_dataset(info, whole, tmp_path / "whole.parquet")
    assert all(row["labels"] == row["input_ids"] for row in read(tmp_path / "whole.parquet"))


@pytest.mark.parametrize(
    ("policy", "rows", "left_out"), [("drop", 2, 1), ("cut", 3, 0), ("turns", 2, 1), ("split", None, 0)]
)
def test_long_rows(tmp_path, model, policy, rows, left_out):
    talks = [talk("u:Say hi", "a:Hi."), talk("u:Count", "a:" + "one two " * 60), talk("u:A", "a:B")]
    info = dataset(tmp_path, [row.to_dict() for row in talks])
    options = ExportOptions("ids", template="chatml", tokenizer=model, max_length=60, long_rows=policy)
    report = export_dataset(info, options, tmp_path / "ids.parquet")
    assert report.left_out == left_out and (rows is None or report.rows == rows)
    assert report.long_rows is not None and report.long_rows.made == report.rows
    assert all(len(row["input_ids"]) <= 60 for row in read(tmp_path / "ids.parquet"))
    if left_out:
        assert report.reasons == {"longer than 60 tokens": 1} and report.examples == {"longer than 60 tokens": 2}


def test_half_a_character_is_refused_by_name():
    row = Conversation((Message("user", "a"), Message("assistant", "\ud83d")))
    for shape in (shapes.messages, shapes.sharegpt, shapes.alpaca, shapes.question_and_answer):
        with pytest.raises(Exception, match="half of a character"):
            shape(row)


def test_every_choice_has_its_line_of_help(tmp_path):
    assert all(line.endswith(".") for line in [*COLUMNS.values(), *FORMATS.values()])
    given = ExportOptions("ids", "llama2", "starter", max_length=5, long_rows="cut", licence="mit")
    assert ExportOptions.from_dict(given.to_dict()) == given
    with pytest.raises(BadInput, match="no export option 'colour'"):
        ExportOptions.from_dict({"colour": "red"})
    info = dataset(tmp_path, [columns_of(talk("u:a", "a:b"))])
    assert export_folder(info, ExportOptions("alpaca"), tmp_path / "folder", "json").rows == 1
