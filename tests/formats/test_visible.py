"""Hidden characters by name, and nothing else touched."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats.visible import describe, label, visible
from tests.formats.strategies import few


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("plain text, ünï — 日本 é e\u0301\n\tok", [("plain text, ünï — 日本 é e\u0301\n\tok", False)]),
        ("a\u200bb", [("a", False), ("ZWSP", True), ("b", False)]),
        ("\u202egnp.exe", [("RLO", True), ("gnp.exe", False)]),
        ("a\x00\r\n", [("a", False), ("U+0000", True), ("CR", True), ("\n", False)]),
        ("a\u00a0\u3000\ufeff", [("a", False), ("NBSP", True), ("IDSP", True), ("BOM", True)]),
        ("\ue000\U000e0041", [("U+E000", True), ("U+E0041", True)]),
        ("👩\u200d👧 ♥\ufe0f", [("👩\u200d👧 ♥\ufe0f", False)]),
        ("a\u200db\ufe0f", [("a", False), ("ZWJ", True), ("b", False), ("U+FE0F", True)]),
    ],
)
def test_what_is_shown(text: str, pieces: list[tuple[str, bool]]) -> None:
    assert visible(text) == pieces


@few
@given(st.text(max_size=40))
def test_nothing_is_lost_and_nothing_hidden_is_left(text: str) -> None:
    rest = text
    for piece, is_label in visible(text):
        whole = next(character for character in rest[:1]) if is_label else piece
        assert rest.startswith(whole)
        assert not is_label or label(whole) == piece
        rest = rest[len(whole) :]
        if not is_label:
            hidden = [c for c in piece if unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs", "Zl", "Zp")]
            assert set(hidden) <= {"\n", "\t"}
    assert not rest


def test_a_description_names_each_character() -> None:
    assert describe("a\u202e") == "U+0061 latin small letter a, U+202E right-to-left override"
    assert describe("x" * 20).endswith("…")
