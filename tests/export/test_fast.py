"""Plain rows are written at once, and come out as the renderer writes them: byte for byte, refusals included."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import BadInput
from lib.export.dataset import export_dataset
from lib.export.fast import AS_WRITTEN, WHITESPACE, fast_columns
from lib.export.options import ExportOptions
from lib.formats import TEMPLATES, ModelTokenizer
from lib.records import Conversation, Message
from tests.export.files import columns_of, dataset, read, texts
from tests.formats.strategies import MILD, NASTY, examples
from tests.formats.strategies import texts as texts_of
from tests.formats.tokenizers_for_tests import TOKENIZERS

some = examples(4)
SPACES = [*MILD, *WHITESPACE, "x"]
RENDERED = sorted(set(TEMPLATES) - {"model"})
HARD = ["'", '"', "\\", "[\\INST]", "<\\/s>", "\ue000", "\ue003", "=1"]


@st.composite
def pairs(draw: st.DrawFn) -> list[Conversation]:
    """Rows of one question and answer, mild and nasty ones mixed."""
    rows = []
    for _ in range(draw(st.sampled_from([1, 30, 60]))):  # few files of many rows: a file costs more
        text = texts_of(draw(st.sampled_from([MILD, NASTY, SPACES, ["plain", "text"], [*MILD, *HARD]])))
        system = draw(st.one_of(st.just(""), text))
        user = Message("user", draw(text), draw(st.one_of(st.just(""), text)))
        rows.append(
            Conversation((*([Message("system", system)] if system else []), user, Message("assistant", draw(text))))
        )
    return rows


def in_messages(row: Conversation) -> dict[str, object]:
    """The same conversation as a list, which only the renderer can write."""
    return row.to_dict()


def outcome(info, options: ExportOptions, out: Path) -> tuple[object, bytes | None]:
    out.unlink(missing_ok=True)
    try:
        report: object = dataclasses.replace(export_dataset(info, options, out), out="")
    except BadInput as error:
        report = error.message.replace(info.ref, ""), error.hint
    return report, out.read_bytes() if out.exists() else None


def both(tmp_path: Path, rows: list[Conversation], options: ExportOptions, ending: str = ".parquet") -> None:
    fast = dataset(tmp_path, [columns_of(row) for row in rows])
    slow = dataset(tmp_path, [in_messages(row) for row in rows])
    assert fast_columns(slow, options, None) is None
    for keep_good in (True, False):
        chosen = dataclasses.replace(options, keep_good=keep_good)
        out = tmp_path / f"out{ending}"
        assert outcome(fast, chosen, out) == outcome(slow, chosen, out)


@pytest.mark.parametrize("template", RENDERED)
@some
@given(rows=pairs(), specials=st.booleans(), escape=st.booleans(), unroll=st.booleans(), data=st.data())
def test_rows_at_once_are_rows_one_by_one(tmp_path: Path, template, rows, specials, escape, unroll, data) -> None:
    shape = data.draw(st.sampled_from(["text", "prompt-completion"]))
    ending = data.draw(st.sampled_from([".parquet", ".jsonl", ".csv"]))
    both(tmp_path, rows, ExportOptions(shape, template, specials=specials, escape=escape, unroll=unroll), ending)


@pytest.mark.parametrize("shape", ["alpaca", "prompt-completion"])
@some
@given(rows=pairs(), unroll=st.booleans())
def test_shapes_that_are_not_rendered(tmp_path: Path, shape, rows, unroll) -> None:
    both(tmp_path, rows, ExportOptions(shape, unroll=unroll), ".jsonl")


@pytest.mark.parametrize("name", list(TOKENIZERS))
@some
@given(rows=pairs(), template=st.sampled_from(RENDERED), escape=st.booleans(), specials=st.booleans())
def test_with_the_tokens_of_a_model(tmp_path: Path, home: Path, name, rows, template, escape, specials) -> None:
    folder = home / "models" / name
    if not folder.exists():
        TOKENIZERS[name](folder)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        (folder / "model.safetensors").write_text("")
    both(tmp_path, rows, ExportOptions(template=template, tokenizer=name, escape=escape, specials=specials))


@pytest.mark.parametrize("template", sorted(AS_WRITTEN))
def test_ordinary_rows_take_the_fast_way(tmp_path: Path, template, tokenizers: dict[str, ModelTokenizer]) -> None:
    marks = "[/INST] ### Input: </s> <|im_end|> <|eot_id|> ### Human:"
    rows = [
        {"instruction": "What's <b> in HTML?", "input": "# Heading", "output": 'It is "bold".\n\nSee [1].'},
        {"instruction": "Ü \U0001f600", "input": "", "output": ""},
        {"instruction": f"What is {marks}?", "input": "", "output": "x"},
        {"instruction": None, "input": None, "output": "x"},
    ]
    info = dataset(tmp_path, rows[:3])
    batch = pa.RecordBatch.from_pylist(rows)
    for tokenizer in (None, *tokenizers.values()):
        found = fast_columns(info, ExportOptions(template=template), tokenizer)
        assert found is not None
        with found as fast:
            (column,) = fast.make(batch)
        assert column.is_valid().to_pylist() == [True, True, False, False]


def test_rows_keep_their_order_and_place(tmp_path: Path) -> None:
    rows = [
        {"instruction": f"{n} [/INST]" if n % 3 == 0 else f"{n}", "input": "", "output": f"answer {n}"}
        for n in range(200)
    ]
    info = dataset(tmp_path, rows)
    report = export_dataset(info, ExportOptions(template="llama2", keep_good=True), tmp_path / "out.jsonl")
    assert (report.rows, report.left_out) == (133, 67)
    kept = [
        f"answer {n}" in text
        for n, text in zip((n for n in range(200) if n % 3), texts(tmp_path / "out.jsonl"), strict=True)
    ]
    assert all(kept)
    escaped = export_dataset(info, ExportOptions(template="llama2", escape=True), tmp_path / "out.jsonl")
    assert escaped.rows == 200
    assert all(f"answer {n}" in text for n, text in enumerate(texts(tmp_path / "out.jsonl")))


def test_other_columns_are_left_to_the_renderer(tmp_path: Path) -> None:
    for row in (
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"instruction": 1, "output": "b"},
        {"instruction": "a", "output": "b", "history": [["c", "d"]]},
        {"text": "<s>[INST] a [/INST] b </s>"},
    ):
        info = dataset(tmp_path, [row])
        assert fast_columns(info, ExportOptions(template="llama2"), None) is None
        assert export_dataset(info, ExportOptions(template="llama2"), tmp_path / "out.jsonl").rows == 1


@pytest.mark.parametrize("columns", ["alpaca", "prompt-completion", "messages"])
def test_columns_that_a_dataset_does_not_have_are_empty(tmp_path: Path, columns: str) -> None:
    info = dataset(tmp_path, [{"question": f"{n}?", "answer": f"{n}!"} for n in range(30)])
    for ending in (".jsonl", ".csv", ".parquet"):
        out = tmp_path / f"out{ending}"
        assert export_dataset(info, ExportOptions(columns=columns), out).rows == 30
    export_dataset(info, ExportOptions(columns="alpaca"), tmp_path / "out.jsonl")
    assert read(tmp_path / "out.jsonl")[2] == {"instruction": "2?", "input": "", "output": "2!"}
