"""Reading files of every format, honest and lying."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.data.sources.sniff import FORMAT_OF_SUFFIX, Format
from lib.data.sources.source import READERS, Refusal, open_source
from lib.errors import BadInput, NotFound, StudioError


def read(path: str) -> tuple[list[dict[str, Any]], list[Refusal], list[str]]:
    source = open_source(path)
    items = list(source.rows())
    rows = [item[1] for item in items if isinstance(item, tuple)]
    return rows, [item for item in items if isinstance(item, Refusal)], source.notes


def test_json_lines_skip_blank_lines_and_name_the_bad_one(write):
    rows, refusals, _ = read(write("a.jsonl", '\ufeff{"p": 1}\r\n\n{"p":\n"text"\n[1]\n{"p": 2} x\n{"p": 3}'))
    assert rows == [{"p": 1}, {"p": 3}]
    assert [refused.row for refused in refusals] == [3, 4, 5, 6]
    assert "not valid JSON" in refusals[0].reason and refusals[0].text == '{"p":'
    assert refusals[1].reason == "text, not an object"


def test_json_lines_with_broken_bytes_surrogates_and_depth(write):
    good = '{"a": "' + "é" * 50 + '"}\n'
    bad = b'{"a": "\xff"}\n{"a": "\\ud800"}\n{"a": "\\ud83d\\udc69"}\n' + b'{"a":' * 100_000 + b"\n"
    rows, refusals, _ = read(write("a.jsonl", good.encode() + bad))
    assert [row["a"] for row in rows] == ["é" * 50, "👩"]
    assert "not UTF-8" in refusals[0].reason
    assert "surrogate" in refusals[1].reason
    assert len(refusals[2].text) == 500


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("list.json", '[{"q": "a"}, {"q": "b"}]', [{"q": "a"}, {"q": "b"}]),
        ("arrays.json", '{"q": ["a", "b"], "a": ["x", "y"]}', [{"q": "a", "a": "x"}, {"q": "b", "a": "y"}]),
        ("wrapped.json", '{"version": 1, "data": [{"q": "a"}, {"q": "b"}]}', [{"q": "a"}, {"q": "b"}]),
        ("one.json", '{"q": "a", "a": "b"}', [{"q": "a", "a": "b"}]),
        ("chat.json", '{"messages": [{"role": "user"}]}', [{"messages": [{"role": "user"}]}]),
        ("lines.json", '{"q": "a"}\n{"q": "b"}\n', [{"q": "a"}, {"q": "b"}]),
        ("list.jsonl", '[\n {"q": "a"},\n {"q": "b"}\n]', [{"q": "a"}, {"q": "b"}]),
        ("pretty.json", '{\n "q": "a"\n}\n{\n "q": "b"\n}\n', [{"q": "a"}, {"q": "b"}]),
        ("really.jsonl", "q,a\nb,c\n", [{"q": "b", "a": "c"}]),
        ("really.csv", '{"q": "a"}\n{"q": "b"}\n', [{"q": "a"}, {"q": "b"}]),
        ("unknown.txt", '{"q": "a"}\n{"q": "b"}\n', [{"q": "a"}, {"q": "b"}]),
    ],
)
def test_json_in_its_shapes(write, name, text, expected):
    assert read(write(name, text))[:2] == (expected, [])


def test_what_was_unwrapped_is_noted(write):
    assert "'data'" in read(write("w.json", '{"v": 1, "data": [{"q": "a"}]}'))[2][0]
    assert "one list a column" in read(write("c.json", '{"q": ["a"], "a": ["x"]}'))[2][0]


@pytest.mark.parametrize("text", ['[{"q":"a"},{"q":"c","inp', '[{"q":"a"},', '[{"q":"a"}', '[{"q":"a"} {"q":"b"}]'])
def test_list_that_breaks_off_keeps_what_was_before(write, text):
    rows, refusals, _ = read(write("cut.json", text))
    assert rows == [{"q": "a"}]
    assert len(refusals) == 1 and refusals[0].row == 2 and "line 1, column" in refusals[0].reason


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.jsonl", b"", "is empty"),
        ("blank.csv", b"\n\n", "is empty"),
        ("empty.json", b"[]", "empty list"),
        ("header.csv", b"q,a\n", "header and no rows"),
        ("image.json", b"\x89PNG\r\n\x1a\n\0\0", "PNG image"),
        ("table.parquet", b"PAR1 this is no table PAR1", "not a readable Parquet"),
        ("text.parquet", b"just words", "is text"),
        ("page.json", b"<!DOCTYPE html><p>Not found", "web page"),
        ("bytes.csv", bytes(range(9)) * 90, "binary"),
        ("broken.json", b'{"a": 1,, }', "not valid JSON at line 1"),
        ("two.json", b'{"a": [{"q": 1}], "b": [{"q": 1}]}', "several lists"),
        ("uneven.json", b'{"a": ["x"], "b": ["y", "z"]}', "not equally long"),
        ("words.txt", b"nothing known", "no form"),
        ("cut.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 9, mtime=0)[:10], "damaged"),
    ],
)
def test_files_that_lie_are_named_with_the_fault(write, name, content, said):
    with pytest.raises(BadInput) as caught:
        read(write(name, content))
    assert said in caught.value.message and caught.value.hint
    assert name in caught.value.message


def test_gzip_whatever_the_name_says(write):
    packed = gzip.compress(b'{"prompt": "a", "completion": "b"}', mtime=0)
    for name, content in (("a.jsonl.gz", packed), ("b.jsonl", packed), ("c.jsonl.gz", gzip.decompress(packed))):
        rows, _, notes = read(write(name, content))
        assert rows == [{"prompt": "a", "completion": "b"}]
        assert bool(notes) == (name != "a.jsonl.gz")


def test_gzip_that_breaks_off_keeps_the_rows_before(write):
    lines = "".join(json.dumps({"n": str(number) * 20}) + "\n" for number in range(20_000))
    rows, refusals, _ = read(write("a.jsonl.gz", gzip.compress(lines.encode())[:-5000]))
    assert rows[0] == {"n": "0" * 20}
    assert "breaks off" in refusals[-1].reason


def test_small_gzip_that_breaks_off(write):
    lines = b"".join(b'{"n": "%d"}\n' % number for number in range(500))
    rows, refusals, _ = read(write("a.jsonl.gz", gzip.compress(lines)[:-8]))
    assert len(rows) == 500 and "breaks off" in refusals[0].reason
    document = b"[" + lines.replace(b"\n", b",\n") + b"{}]"
    rows, refusals, _ = read(write("a.json.gz", gzip.compress(document)[:-40]))
    assert rows[0] == {"n": "0"} and len(refusals) == 1


def test_csv_with_mark_line_ends_quotes_and_breaks(write):
    text = '\ufeffinstruction,input,output\r\nSay hi,,"Hi,\r\nthere"\r\n"Quote ""this""",x,"""ok"""\r\n'
    rows, refusals, notes = read(write("a.csv", text))
    assert rows[0] == {"instruction": "Say hi", "input": "", "output": "Hi,\r\nthere"}
    assert rows[1]["output"] == '"ok"'
    assert refusals == notes == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters(write, delimiter):
    text = f"question{delimiter}answer\nWhat is 2+2?{delimiter}4\nName two{delimiter}x{delimiter}y\n"
    rows, refusals, _ = read(write("a.csv", text))
    assert rows == [{"question": "What is 2+2?", "answer": "4"}]
    assert refusals == [Refusal(3, "3 fields, 2 expected", f"Name two{delimiter}x{delimiter}y\n")]


@pytest.mark.parametrize(
    ("encoding", "noted"), [("utf-8", False), ("utf-16", True), ("utf-16-le", True), ("latin-1", True)]
)
def test_csv_encodings(write, encoding, noted):
    rows, refusals, notes = read(write("a.csv", "instruction,output\nTraduis café,été vu\n".encode(encoding)))
    assert rows == [{"instruction": "Traduis café", "output": "été vu"}] and not refusals
    assert bool(notes) == noted


def test_csv_of_damaged_utf8_refuses_the_row_and_garbles_none(write):
    content = "q,a\n日本語,ok\n".encode() + b"x\xff,no\n" + "語,ok\n".encode()
    rows, refusals, _ = read(write("a.csv", content))
    assert [row["q"] for row in rows] == ["日本語", "語"]
    assert refusals[0].row == 3 and "not utf-8" in refusals[0].reason


def test_csv_that_ends_within_a_character_refuses_its_last_row(write):
    rows, refusals, _ = read(write("a.csv", "q,a\n1,ok\n2,日本".encode()[:-1]))
    assert rows == [{"q": "1", "a": "ok"}] and "not utf-8" in refusals[0].reason


def test_csv_with_an_unclosed_quote_is_refused_not_swallowed(write):
    rows, refusals, _ = read(write("a.csv", 'q,a\n1,2\n3,"4\n5,6\n'))
    assert rows == [{"q": "1", "a": "2"}]
    assert refusals[0].row == 3 and "unexpected end" in refusals[0].reason


def test_csv_header_with_empty_and_repeated_names(write):
    rows, _, notes = read(write("a.csv", "a,,a\n1,2,3\n"))
    assert rows == [{"a": "1", "column_2": "2", "a_3": "3"}] and len(notes) == 2


def test_parquet_and_arrow_give_json_values(write, tmp_path: Path):
    import datetime

    table = pa.table(
        {
            "t": ["a\0b", None],
            "n": [1, 2],
            "d": [datetime.date(2024, 1, 2), None],
            "l": [[{"role": "user"}], []],
            "b": [b"\xff", b"ok"],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    for name, make in (("a.arrow", pa.ipc.new_file), ("b.arrow", pa.ipc.new_stream)):
        with make(str(tmp_path / name), table.schema) as file:
            file.write_table(table)
    packed = io.BytesIO()
    pq.write_table(table, packed)
    write("c.parquet.gz", gzip.compress(packed.getvalue()))
    for name in ("a.parquet", "a.arrow", "b.arrow", "c.parquet.gz"):
        rows, _, _ = read(str(tmp_path / name))
        assert rows[0] == {"t": "a\0b", "n": 1, "d": "2024-01-02", "l": [{"role": "user"}], "b": "/w=="}
        assert rows[1]["b"] == "ok"


def test_folder_reads_its_files_and_refusals_name_theirs(write, tmp_path: Path):
    write("folder/a.jsonl", '{"q": "1"}\n{"q":\n')
    write("folder/sub/b.csv", "q\n2\n")
    write("folder/empty.json", "[]")
    write("folder/README.md", "not rows")
    rows, refusals, notes = read(str(tmp_path / "folder"))
    assert rows == [{"q": "1"}, {"q": "2"}]
    assert (refusals[0].file, refusals[0].row) == ("a.jsonl", 2)
    assert any("empty list" in note for note in notes)
    (tmp_path / "bare").mkdir()
    with pytest.raises(BadInput, match="holds no file"):
        open_source(str(tmp_path / "bare"))


def test_missing_file_and_unreachable_hub(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(NotFound, match="no file"):
        open_source("nowhere/rows.jsonl")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(StudioError, match="Hub") as caught:
        list(open_source("nobody-of-that-name/nothing").rows())
    assert "huggingface.co" in caught.value.hint


def test_estimate_of_rows(write_rows):
    source = open_source(write_rows([{"n": "x" * 100}] * 50_000))
    rows = source.rows()
    for _ in range(10_000):
        next(rows)
    assert 30_000 < (source.estimate(10_000) or 0) < 60_000


def test_every_format_that_is_known_is_read():
    assert set(READERS) == set(get_args(Format)) == set(FORMAT_OF_SUFFIX.values())
