"""Rendered text in several forms: each row is read in its own, and counted by it."""

from __future__ import annotations

import pytest

from lib.data import datasets
from lib.data.imports.importer import import_source
from lib.data.mapping import Mapping
from lib.errors import BadRows

BELOW = "Below is an instruction that describes a task. Write a response that appropriately completes the request."
TEXTS = [
    "<s>[INST] Who are you? [/INST] Julia. </s>",
    "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Ho! </s><s>[INST] More [/INST] Sure. </s>",
    f"{BELOW}\n\n### Instruction:\nSay hi\n\n### Response:\nHi.</s>",
    "### Human: Say hi### Assistant: Hi.",
]
BAD = ["plain prose", "<s>[INST] never closed", f"{BELOW}\n\n### Instruction:\n[INST]\n\n### Response:\nHi."]


def rows(*texts):
    return [{"text": text} for text in texts]


def test_forms_are_counted_noted_and_kept_with_the_version(write_rows):
    report = import_source(write_rows(rows(*TEXTS, *TEXTS[:1], *BAD)), "mix", keep_good=True)
    assert (report.rows, report.refused) == (5, 3)
    assert report.forms == report.to_dict()["forms"] == {"llama2": 3, "alpaca-lora": 1, "guanaco": 1}
    assert list(report.forms) == ["llama2", "alpaca-lora", "guanaco"], "the commonest first"
    assert "Forms of the text: llama2 3, alpaca-lora 1, guanaco 1" in report.notes
    info = datasets.get("mix")
    assert info.recipe["forms"] == report.forms and tuple(report.notes) == info.notes
    assert [refused["reason"] for refused in info.refusals()] == [
        "text cannot be read: This is plain text, in no form that can be read",
        "text cannot be read: Turn 1: [INST] is never closed",
        "text cannot be read: Two forms are mixed in one text: ### Instruction: (Alpaca) and [INST] (Llama 2)",
    ]


def test_forms_are_told_when_bad_rows_stop_the_import(write_rows):
    with pytest.raises(BadRows) as caught:
        import_source(write_rows(rows(*TEXTS, *BAD)), "mix")
    assert caught.value.report.forms == {"llama2": 2, "alpaca-lora": 1, "guanaco": 1}


def test_a_row_that_is_refused_for_its_split_is_in_no_form(write_rows):
    split = [
        {**row, "split": name} for row, name in zip(rows(*TEXTS), ("train", "test", "nowhere", "train"), strict=True)
    ]
    report = import_source(write_rows(split), "mix", Mapping({"text": "text", "split": "split"}), keep_good=True)
    assert (report.rows, report.forms) == (3, {"llama2": 2, "guanaco": 1})


def test_rows_of_columns_have_no_forms(write_rows):
    report = import_source(write_rows([{"instruction": text, "output": "x"} for text in TEXTS]), "columns")
    assert report.forms == {} and not any("Forms" in note for note in report.notes)
    assert datasets.get("columns").recipe["forms"] == {}
