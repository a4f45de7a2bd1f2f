"""The preview of a row is what the file holds: the same rows, the same refusals, nothing where nothing is written."""

from __future__ import annotations

import itertools

import pytest

from lib.errors import BadInput, BadSettings, CannotCarry, ModelError, NotFound
from lib.export.dataset import export_dataset
from lib.export.options import COLUMNS, ExportOptions
from lib.export.preview import preview
from lib.formats import load_tokenizer, saved
from lib.formats.jinja import TemplateError
from tests.export.files import dataset, read
from tests.formats.conversations import talk
from tests.formats.tokenizers_for_tests import llama3_like

ONE = talk("u:Sum it up; ü \U0001f600", "a:\n It is.", context="the text")
TURNS = talk("s:Be brief.", "u:A", "a:B", "u:C", "a:D")
PICKY = (
    "{% set _ = 1 // (messages[0].content | length - 3) %}"
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
)


@pytest.fixture
def model(tmp_path) -> str:
    folder = llama3_like(tmp_path / "model")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").touch()
    return str(folder)


def both(tmp_path, conversation, options):
    """The rows of the preview, and those of a file with this row alone."""
    out = tmp_path / "out.parquet"
    export_dataset(dataset(tmp_path, [conversation.to_dict()]), options, out)
    tokenizer = load_tokenizer(options.tokenizer) if options.tokenizer else None
    return preview(conversation, options, tokenizer), read(out)


@pytest.mark.parametrize("columns", COLUMNS)
def test_it_is_the_row_of_the_file(tmp_path, model, columns):
    switches = itertools.product((True, False), repeat=3)
    for specials, unroll, with_tokens in switches:
        for template in ("llama3", "alpaca", "model") if columns in ("text", "ids", "prompt-completion") else (None,):
            needs = columns == "ids" or template == "model"
            options = ExportOptions(
                columns,
                template,
                specials=specials,
                unroll=unroll,
                tokenizer=model if needs or with_tokens else None,
            )
            shown, written = both(tmp_path, ONE, options)
            assert shown == written and len(shown) == 1, options
            assert list(shown[0]) == list(written[0])


def test_the_bare_question_and_answer(tmp_path):
    shown, written = both(tmp_path, ONE, ExportOptions("prompt-completion"))
    assert (
        shown == written == [{"prompt": "Sum it up; ü \U0001f600\n\n### Input:\nthe text", "completion": "\n It is."}]
    )


@pytest.mark.parametrize("columns", COLUMNS)
def test_an_unrolled_row_gives_several(tmp_path, model, columns):
    template = "llama3" if columns in ("text", "ids") else None
    row = TURNS if columns in ("text", "ids", "messages", "sharegpt") else talk("u:A", "a:B", "u:C", "a:D")
    options = ExportOptions(columns, template, tokenizer=model if columns == "ids" else None, unroll=True)
    shown, written = both(tmp_path, row, options)
    assert shown == written and len(shown) == 2 and shown[0] != shown[1]


@pytest.mark.parametrize(("policy", "rows"), [("drop", 0), ("cut", 1), ("turns", 0), ("split", None)])
def test_long_rows(tmp_path, model, policy, rows):
    row = talk("u:Count", "a:" + "one two " * 60)
    options = ExportOptions("ids", "llama3", tokenizer=model, max_length=60, long_rows=policy)
    shown = preview(row, options, load_tokenizer(model))
    if rows == 0:
        assert shown == []
        with pytest.raises(BadInput, match="longer than 60 tokens"):
            export_dataset(dataset(tmp_path, [row.to_dict()]), options, tmp_path / "out.parquet")
        return
    assert shown == both(tmp_path, row, options)[1]
    assert (len(shown) == rows if rows else len(shown) > 1) and all(len(one["input_ids"]) <= 60 for one in shown)


def test_refusals_are_those_of_the_export(tmp_path, model):
    saved.save("picky", PICKY, "ann")
    tagged, open_ended = talk("u:a [/INST] b", "a:c"), talk("u:a")
    for row, options, kind in [
        (tagged, ExportOptions("text", "llama2"), CannotCarry),
        (tagged, ExportOptions("ids", "llama2", tokenizer=model), CannotCarry),
        (TURNS, ExportOptions("alpaca"), CannotCarry),
        (open_ended, ExportOptions("prompt-completion"), CannotCarry),
        (talk("u:abc", "a:d"), ExportOptions("text", "picky"), TemplateError),
        (talk("u:abc", "a:d"), ExportOptions("ids", "picky", tokenizer=model), TemplateError),
    ]:
        tokenizer = load_tokenizer(model) if options.tokenizer else None
        with pytest.raises(kind) as shown:
            preview(row, options, tokenizer)
        with pytest.raises(BadInput) as written:
            export_dataset(dataset(tmp_path, [row.to_dict()]), options, tmp_path / "out.jsonl")
        assert written.value.message == f"Row 1: {shown.value.message}"
    assert preview(tagged, ExportOptions("text", "llama2", escape=True), None)
    for options, kind in [
        (ExportOptions("text"), BadSettings),
        (ExportOptions("ids", "llama2"), BadSettings),
        (ExportOptions("text", "nope"), NotFound),
        (ExportOptions("text", "model"), ModelError),
    ]:
        with pytest.raises(kind):
            preview(ONE, options, None)
