"""Rendered rows made ready to be drawn: as tokens, and as text with what differs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lib.formats import ModelTokenizer, Segment, render, text_of
from lib.formats.text_view import CHANGED, LABEL, SPECIAL, TRAINED, text_view
from lib.formats.token_view import PARTIAL, token_view
from tests.formats.conversations import talk
from tests.formats.strategies import NASTY, few, texts

SEGMENTS = [Segment("<s>", False, True), Segment("ask a\u200bb ", False), Segment("answer", True)]


def test_tokens_with_what_they_count_for(tokenizer: ModelTokenizer) -> None:
    segments = render(talk("u:Hi\n\tthere", "a:Hello 👩 \u202eworld"), "llama2", tokenizer)
    tokens = tokenizer.tokenize(segments)
    view = token_view(segments, tokens, tokenizer)
    assert len(view.ids) == len(view.flags) == len(view.shown) == view.prompt + view.answer
    assert view.answer == sum(tokens.trained)
    assert view.flags[-1] & SPECIAL and view.flags[-1] & TRAINED
    assert view.cut(len(view.ids) - 2) == 2
    labels = [text for pieces in view.shown for text, is_label in pieces if is_label]
    assert "LF" in labels and "TAB" in labels
    assert any(flag & PARTIAL for flag in view.flags), "the emoji takes more than one token"


def test_parts_of_characters_show_their_bytes(tokenizer: ModelTokenizer) -> None:
    segments = [Segment("\u202e", False)]
    view = token_view(segments, tokenizer.tokenize(segments), tokenizer)
    shown = " ".join(text for pieces in view.shown for text, _ in pieces).replace("▁", "").split()
    assert shown[-3:] == ["E2", "80", "AE"]


def test_a_space_before_a_part_of_a_character_is_no_part_of_it(all_tokenizers: dict[str, ModelTokenizer]) -> None:
    """SmolLM2 has a token for a space and two of the three bytes."""
    segments = [Segment("a \u202egnp.exe", False)]
    tokens = all_tokenizers["starter"].tokenize(segments)
    view = token_view(segments, tokens, all_tokenizers["starter"])
    assert view.shown[1:3] == [[(" ", False), ("E2 80", True)], [("AE", True)]]
    assert view.flags[1:3] == [PARTIAL, PARTIAL]
    assert view.hidden == {1: "U+0020 space, U+202E right-to-left override", 2: "U+202E right-to-left override"}


@few
@given(text=texts(NASTY))
def test_no_token_is_shown_in_the_spelling_of_the_vocabulary(
    all_tokenizers: dict[str, ModelTokenizer], text: str
) -> None:
    """Byte-level vocabularies write a space as Ġ, and SentencePiece as ▁."""
    for tokenizer in all_tokenizers.values():
        segments = [Segment(text, False)]
        view = token_view(segments, tokenizer.tokenize(segments), tokenizer)
        assert "Ġ" not in "".join(shown for pieces in view.shown for shown, _ in pieces)


def test_text_is_cut_at_every_change_of_kind() -> None:
    parts = text_view(SEGMENTS, changed=[(5, 9), (12, 15)])
    assert parts == [
        ("<s>", SPECIAL),
        ("as", 0),
        ("k a", CHANGED),
        ("ZWSP", LABEL + CHANGED),
        ("b ", 0),
        ("a", TRAINED),
        ("nsw", TRAINED + CHANGED),
        ("er", TRAINED),
    ]
    assert "".join(text for text, flags in parts if not flags & LABEL) == text_of(SEGMENTS).replace("\u200b", "")


@few
@given(st.text("ab \u200b", max_size=30), st.lists(st.integers(0, 30), max_size=6, unique=True))
def test_changed_stretches_are_marked_and_no_others(text: str, places: list[int]) -> None:
    edges = sorted(place for place in places if place <= len(text))
    changed = list(zip(edges[::2], edges[1::2], strict=False))
    whole = text_view([Segment(text, False)], changed)
    marked = [flags for part, flags in whole for _ in ("x" if flags & LABEL else part)]
    plain = [flags for _, flags in text_view([Segment(character, False) for character in text], changed)]
    assert [flag & CHANGED for flag in plain] == [
        CHANGED * any(low <= place < high for low, high in changed) for place in range(len(text))
    ]
    assert sum(bool(flag & CHANGED) for flag in marked) == sum(high - low for low, high in changed)
