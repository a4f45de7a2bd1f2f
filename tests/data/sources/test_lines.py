"""JSON Lines in blocks: the same values, refusals and line numbers as line by line with Python's json."""

from __future__ import annotations

import json
import math

import pytest

from lib.data.sources import lines
from lib.data.sources.items import Refusal
from lib.data.sources.source import open_source

ODD = [
    '{"n": 18446744073709551615}',
    '{"n": 18446744073709551616}',
    '{"n": -9223372036854775809}',
    '{"n": 123456789012345678901234567890, "deep": [{"k": -123456789012345678901234567890}]}',
    '{"n": 1.0}',
    '{"n": 1}',
    '{"n": -0}',
    '{"n": -0.0}',
    '{"n": 1e400}',
    '{"n": 5e-324}',
    '{"n": 0.1234567890123456789}',
    '{"n": "1234567890123456789012"}',
    '{"n": 1, "n": 2}',
    '{"n": NaN}',
    '{"n": -Infinity}',
    '{"": 1, "n": "\\u0000"}',
    '{"n": "\\ud83d\\udc69"}',
    '{"n": "\u2028 \x7f"}',
    '  {"n": 1}\t\r',
    '{"n": true, "m": null}',
]
BAD = ['{"n": "\\ud800"}', '{"n":', "[1]", '{"n": 1} x', '{"n": 01}', '{"n": 1,}', "{'n': 1}", '{"n": "a\tb"}', "nul"]


def read(path: str) -> tuple[list[tuple[int, dict]], list[Refusal]]:
    items = list(open_source(path).rows())
    return [item for item in items if isinstance(item, tuple)], [item for item in items if isinstance(item, Refusal)]


def same(one: object, other: object) -> bool:
    """Equal in type as well; NaN is NaN."""
    return json.dumps(one) == json.dumps(other) and repr(one) == repr(other)


@pytest.mark.parametrize("line", ODD)
def test_values_are_those_of_python(write, line):
    good = '{"n": "before"}\n'
    [(_, _), (number, row), _], _ = read(write("a.jsonl", good + line + "\n" + good))
    assert number == 2 and same(row, json.loads(line))


def test_lines_that_cannot_be_read_keep_their_numbers(write):
    text = "".join(f'{{"n": {number}}}\n{line}\n\n' for number, line in enumerate(BAD))
    rows, refusals = read(write("a.jsonl", text))
    assert [number for number, _ in rows] == [1 + 3 * index for index in range(len(BAD))]
    assert [refused.row for refused in refusals] == [2 + 3 * index for index in range(len(BAD))]
    assert "surrogate" in refusals[0].reason and "column" in refusals[1].reason


def test_blocks_do_not_change_what_is_read(write, monkeypatch):
    text = "".join(f"{line}\n" for line in [*ODD, *BAD] * 20) + '{"n": "no line end"}'
    path = write("a.jsonl", text)
    whole = read(path)
    for size in (1, 7, 100, 4096):
        monkeypatch.setattr(lines, "BLOCK_SIZE", size)
        rows, refusals = read(path)
        assert refusals == whole[1] and same(rows, whole[0])


def test_lines_of_another_encoding(write):
    rows, refusals = read(write("a.jsonl", b'{"n": "caf\xe9"}\n' * 3 + b"{\xe9\n"))
    assert [row["n"] for _, row in rows] == ["café"] * 3 and refusals[0].row == 4
    rows, _ = read(write("b.jsonl", '{"n": "é"}\n{"n": 1}\n'.encode("utf-16")))
    assert [row["n"] for _, row in rows] == ["é", 1]


def test_not_a_number_and_infinity_are_kept(write):
    rows, _ = read(write("a.jsonl", '{"n": NaN}\n{"n": Infinity}\n'))
    assert math.isnan(rows[0][1]["n"]) and rows[1][1]["n"] == math.inf


def test_a_line_beyond_all_measure_is_refused_by_name(write, monkeypatch):
    monkeypatch.setattr(lines, "LINE_LIMIT", 1 << 20)
    with pytest.raises(lines.BadInput, match=r"long.jsonl has a line of more than 1 MB"):
        read(write("long.jsonl", '{"n": "' + "x" * (3 << 20) + '"}\n'))
