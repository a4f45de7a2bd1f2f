"""Word by word: nothing of either text gets lost, and long texts take no long time."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.data.versions import text_diff
from lib.data.versions.text_diff import Piece, words

TEXT = st.text(alphabet="ab .\n漢字é\u0301👍", max_size=60)


def sides(pieces: list[Piece]) -> tuple[str, str]:
    before = "".join(piece.text for piece in pieces if piece.kind != "added")
    return before, "".join(piece.text for piece in pieces if piece.kind != "removed")


def shown(before: str, after: str) -> str:
    marks = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(marks[piece.kind].format(piece.text) for piece in words(before, after))


@given(TEXT, TEXT)
def test_both_texts_can_be_had_back(before, after):
    pieces = words(before, after)
    assert sides(pieces) == (before, after)
    assert all(piece.text for piece in pieces)
    assert all(one.kind != other.kind for one, other in itertools.pairwise(pieces))


@given(TEXT)
def test_a_text_is_the_same_as_itself(text):
    assert words(text, text) == ([Piece(text, "same")] if text else [])


@given(
    st.lists(st.sampled_from(["a ", "b ", "c. ", "d\n"]), max_size=40), st.lists(st.sampled_from(["a ", "b ", "c. "]))
)
def test_comparing_by_sentences_first_loses_nothing(before, after):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_diff, "MAX_CELLS", 9)
        assert sides(words("".join(before), "".join(after))) == ("".join(before), "".join(after))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", ""),
        ("", "new text", "[+new text+]"),
        ("old text", "", "[-old text-]"),
        ("the old cat", "the cat", "the [-old -]cat"),
        ("The cat sat on the mat.", "A dog sat on a mat!", "[-The cat-][+A dog+] sat on [-the-][+a+] mat[-.-][+!+]"),
        ("今日は天気", "明日は天気", "[-今-][+明+]日は天気"),
        ("हिन्दी भाषा", "हिन्दी भाषाएँ", "हिन्दी [-भाषा-][+भाषाएँ+]"),
        ("straße", "Straße", "[-straße-][+Straße+]"),
        ("a  b", "a b", "a[-  -][+ +]b"),
        ("line\nnext", "line\r\nnext", "line[-\n-][+\r\n+]next"),
    ],
)
def test_words_as_people_read_them(before, after, expected):
    assert shown(before, after) == expected


def long_text(seed: int, size: int = 50_000) -> list[str]:
    chance = random.Random(seed)
    vocabulary = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(3000)]
    return [vocabulary[int(chance.paretovariate(0.7)) % 3000] for _ in range(size)]


def test_scattered_changes_of_a_long_text_are_found_one_by_one():
    old = [f"{word}." if number % 12 == 11 else word for number, word in enumerate(long_text(1))]
    new = list(old)
    for place in range(50, 50_000, 100):
        new[place] = "CHANGED"
    pieces = words(" ".join(old), " ".join(new))
    assert sides(pieces) == (" ".join(old), " ".join(new))
    assert [piece.text for piece in pieces if piece.kind == "added"] == ["CHANGED"] * 500


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (" ".join(long_text(1)), " ".join(long_text(2))),
        (" ".join(long_text(3)), " ".join(sorted(long_text(3)))),
        ("a " * 150_000, "b a " * 75_000),
        ("漢字" * 150_000, "字漢" * 150_000 + "x"),
        ("a" * 300_000, "b" * 300_000),
        ("\n" * 300_000, "\n\n \n" * 75_000),
        (".\n" * 150_000, "!\n" * 150_000),
    ],
    ids=["others", "sorted", "repeated", "characters", "one word", "lines", "sentences"],
)
def test_texts_of_any_size_are_compared_in_little_memory(before, after, monkeypatch):
    cells = []
    opcodes = text_diff.Indel.opcodes

    class Counted:
        @staticmethod
        def opcodes(old, new):
            cells.append(len(old) * len(new))
            return opcodes(old, new)

    monkeypatch.setattr(text_diff, "Indel", Counted)
    assert sides(words(before, after)) == (before, after)
    assert max(cells, default=0) <= text_diff.MAX_CELLS
