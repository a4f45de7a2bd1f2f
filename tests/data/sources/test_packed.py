"""Packed files: gzip and Zstandard of every format, whole and broken off."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lib.data.sources.items import Refusal
from lib.data.sources.source import open_source
from lib.errors import BadInput


def zst(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return out.getvalue().to_pybytes()


def read(path):
    items = list(open_source(str(path)).rows())
    return [item[1] for item in items if isinstance(item, tuple)], [item for item in items if isinstance(item, Refusal)]


@pytest.mark.parametrize("pack", [gzip.compress, zst])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'[{"q": "caf\xc3\xa9"}, {"q": "2"}]'),
        ("a.jsonl", b'{"q": "caf\xc3\xa9"}\n{"q": "2"}\n'),
        ("a.csv", "q,n\ncafé,1\n2,2\n".encode("utf-16")),
        ("a.tsv", b"q\tn\ncaf\xe9\t1\n2\t2\n"),
    ],
)
def test_every_text_format_is_read_packed(tmp_path: Path, pack, name, content):
    path = tmp_path / f"{name}.{'zst' if pack is zst else 'gz'}"
    path.write_bytes(pack(content))
    rows, refusals = read(path)
    assert [row["q"] for row in rows] == ["café", "2"] and not refusals
    source = open_source(str(path))
    assert not [note for note in source.notes if "name says" in note]


def test_parquet_in_zstandard(tmp_path: Path):
    pq.write_table(pa.table({"q": ["a"]}), tmp_path / "a.parquet")
    (tmp_path / "a.parquet.zst").write_bytes(zst((tmp_path / "a.parquet").read_bytes()))
    assert read(tmp_path / "a.parquet.zst")[0] == [{"q": "a"}]


def test_zstandard_in_several_frames_and_under_another_name(tmp_path: Path):
    (tmp_path / "a.jsonl").write_bytes(zst(b'{"n": 1}\n') + zst(b'{"n": 2}\n'))
    assert read(tmp_path / "a.jsonl")[0] == [{"n": 1}, {"n": 2}]
    assert "packed with Zstandard" in open_source(str(tmp_path / "a.jsonl")).notes[0]


def test_zstandard_that_breaks_off_keeps_the_rows_before(tmp_path: Path):
    lines = "".join(json.dumps({"n": number, "t": f"{number * 7919:x}"}) + "\n" for number in range(60_000))
    (tmp_path / "a.jsonl.zst").write_bytes(zst(lines.encode())[:-2000])
    rows, refusals = read(tmp_path / "a.jsonl.zst")
    assert rows[0]["n"] == 0 and rows[-1]["n"] == len(rows) - 1 > 1000
    assert "breaks off" in refusals[0].reason and refusals[0].row == len(rows) + 1


def test_zstandard_of_which_nothing_can_be_read(tmp_path: Path):
    (tmp_path / "a.jsonl.zst").write_bytes(zst(b'{"a": 1}\n' * 9)[:10])
    with pytest.raises(BadInput, match="damaged Zstandard"):
        read(tmp_path / "a.jsonl.zst")
