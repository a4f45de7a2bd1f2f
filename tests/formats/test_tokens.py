"""The quick ways of a tokenizer against the plain slow ones: batches, ids without spans, lengths, joins, parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats import ModelTokenizer, Segment, Tokens, text_of
from tests.formats.strategies import MILD, NASTY, few, texts

TEXTS = st.one_of(texts(NASTY), texts(MILD))


@st.composite
def segmented(draw: st.DrawFn) -> list[tuple[str, bool, int]]:
    """(text, trained, which special token stands there instead, 0 for none) of each segment."""
    some = st.tuples(TEXTS.filter(bool), st.booleans(), st.sampled_from([0, 0, 0, 1, 2]))
    return draw(st.lists(some, max_size=5))


def segments_of(drawn: list[tuple[str, bool, int]], tokenizer: ModelTokenizer) -> list[Segment]:
    known = sorted(tokenizer.specials.known)
    return [
        Segment(known[special % len(known)], trained, True) if special else Segment(text, trained)
        for text, trained, special in drawn
    ]


def ids_of(tokenizer: ModelTokenizer, text: str) -> list[int]:
    return tokenizer.tokenize([Segment(text, False)]).ids


@few
@given(batch=st.lists(TEXTS, max_size=6))
def test_lengths_are_those_of_single_texts(all_tokenizers: dict[str, ModelTokenizer], batch: list[str]) -> None:
    for tokenizer in all_tokenizers.values():
        assert tokenizer.lengths(batch) == [len(ids_of(tokenizer, text)) for text in batch]


@few
@given(drawn=st.lists(segmented(), max_size=4))
def test_a_batch_is_each_by_itself_with_spans_or_without(
    all_tokenizers: dict[str, ModelTokenizer], drawn: list[list[tuple[str, bool, int]]]
) -> None:
    for tokenizer in all_tokenizers.values():
        batch = [segments_of(one, tokenizer) for one in drawn]
        alone = [tokenizer.tokenize(segments) for segments in batch]
        assert tokenizer.tokenize_batch(batch) == alone
        quick = tokenizer.tokenize_batch(batch, spans=False)
        assert quick == [Tokens(one.ids, one.trained, [], one.special, one.joins) for one in alone]


@few
@given(first=TEXTS, second=TEXTS)
def test_joins_are_where_the_whole_text_would_be_cut_otherwise(
    all_tokenizers: dict[str, ModelTokenizer], first: str, second: str
) -> None:
    for tokenizer in all_tokenizers.values():
        tokens = tokenizer.tokenize([Segment(first, False), Segment(second, True)])
        start, whole = ids_of(tokenizer, first), ids_of(tokenizer, first + second)
        clean = not first or not second or whole[: len(start)] == start
        assert tokens.joins == ([] if clean else [len(start)])
        if clean:
            assert tokens.ids == whole
        assert tokens.ids[: len(start)] == start


def test_joins_are_counted_in_the_whole_row(tokenizers: dict[str, ModelTokenizer]) -> None:
    tokenizer = tokenizers["starter_like"]
    end = Segment("<|im_end|>", True, True)
    cut = [Segment("hello wor", False), Segment("ld", True)]
    first, row = tokenizer.tokenize([*cut, end]), tokenizer.tokenize([*cut, end, *cut, end])
    (place,) = first.joins
    assert place == len(ids_of(tokenizer, "hello wor"))
    assert row.joins == [place, len(first) + place]
    assert tokenizer.tokenize([*cut, Segment("", False)]).joins == [place]


@few
@given(drawn=segmented())
def test_parts_are_tokens_whose_characters_others_have_too(
    all_tokenizers: dict[str, ModelTokenizer], drawn: list[tuple[str, bool, int]]
) -> None:
    for tokenizer in all_tokenizers.values():
        segments = segments_of(drawn, tokenizer)
        tokens = tokenizer.tokenize(segments)
        places = [set(range(*span)) for span in tokens.spans]
        slow = [
            not own or any(own & other for number, other in enumerate(places) if number != index)
            for index, own in enumerate(places)
        ]
        assert tokens.partial() == slow
        shown = [piece for piece, partial in zip(tokenizer.pieces(segments, tokens), slow, strict=True) if not partial]
        text = text_of(segments)
        assert shown == [text[slice(*span)] for span, part in zip(tokens.spans, slow, strict=True) if not part]


@pytest.mark.parametrize(
    ("spans", "partial"),
    [
        ([], []),
        ([(0, 1)], [False]),
        ([(0, 0)], [True]),
        ([(0, 2), (2, 3)], [False, False]),
        ([(0, 1), (0, 1), (1, 4)], [True, True, False]),
        ([(0, 2), (1, 3), (3, 4)], [True, True, False]),
    ],
)
def test_partial(spans: list[tuple[int, int]], partial: list[bool]) -> None:
    size = len(spans)
    assert Tokens([0] * size, [True] * size, spans, [False] * size).partial() == partial
