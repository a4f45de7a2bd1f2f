"""Near-duplicates: what is found is exact, what is missed is little, and order plays no part."""

from __future__ import annotations

import random
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.data.near import MIN_WORDS, NearIndex, band_width
from lib.data.word_sets import similarity, word_set, words
from lib.errors import BadInput

VOCABULARY = [f"word{number}" for number in range(400)]


def varied(text: str, share: float, chance: random.Random) -> str:
    """The text with about that share of its words replaced."""
    found = text.split()
    for place in chance.sample(range(len(found)), int(share * len(found))):
        found[place] = f"other{chance.random()}"
    return " ".join(found)


def index_of(texts: dict[int, str], threshold: float = 0.8) -> NearIndex:
    index = NearIndex(threshold)
    for key, text in texts.items():
        index.add(key, text)
    return index


def test_words_of_any_script():
    assert words("The Cat, the DOG's\x00 toy") == [b"the", b"cat", b"the", b"dog", b"s", b"toy"]
    assert len(words("炊飯器の")) == 4
    assert len(word_set("a \ud800 b \u202e c")) == 4  # a lone surrogate becomes a question mark, which is no word


def test_groups_are_named_after_the_lowest_key():
    text = " ".join(VOCABULARY[:50])
    index = NearIndex(0.8)
    index.add_batch([70, 9], [text, text + " more"])
    index.add(30, text + " other")
    index.add(4, " ".join(VOCABULARY[100:150]))
    assert index.groups() == {9: 9, 30: 9, 70: 9}
    assert all(low < high and share >= 0.8 for low, high, share in index.pairs())
    index.add(3, text)
    assert index.groups() == dict.fromkeys((3, 9, 30, 70), 3)


def test_nothing_to_compare():
    assert index_of({}).groups() == {}
    assert index_of({1: "", 2: ""}).groups() == {}
    assert index_of({1: "too few words", 2: "too few words"}).groups() == {}, MIN_WORDS


@pytest.mark.parametrize("threshold", [0, 0.49, 1.01, float("nan")])
def test_a_threshold_out_of_range(threshold):
    with pytest.raises(BadInput, match="out of range"):
        NearIndex(threshold)


@pytest.mark.parametrize("threshold", [0.5, 0.65, 0.8, 0.9, 1.0])
def test_nearly_all_pairs_at_the_threshold_are_found(threshold):
    """Pairs by hand, just above the threshold."""
    assert (1 - threshold ** band_width(threshold)) ** (256 // band_width(threshold)) <= 0.004
    texts: dict[int, str] = {}
    for pair in range(200):
        own = [f"p{pair}w{number}" for number in range(100)]
        swapped = int(100 * (1 - threshold) / (1 + threshold))
        texts[2 * pair] = " ".join(own)
        texts[2 * pair + 1] = " ".join([*own[: 100 - swapped], *(f"p{pair}x{number}" for number in range(swapped))])
    pairs = {(one, two) for one, two, _ in index_of(texts, threshold).pairs()}
    assert all(two == one + 1 for one, two in pairs)
    assert len(pairs) >= 197


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab cdé\n漢\x00"), max_size=60), max_size=12), st.sampled_from([0.5, 0.7, 1.0]))
def test_pairs_have_the_similarity_that_is_told(texts, threshold):
    index = index_of(dict(enumerate(texts)), threshold)
    for one, two, share in index.pairs():
        assert share == pytest.approx(similarity(word_set(texts[one]), word_set(texts[two])))
        assert share >= threshold
        assert index.similarity(one, two) == pytest.approx(share)


def test_the_order_of_adding_changes_nothing():
    chance = random.Random(5)
    base = [" ".join(chance.choices(VOCABULARY, k=80)) for _ in range(20)]
    texts = {key: varied(base[key % 20], 0.1 * chance.random(), chance) for key in range(400)}
    shuffled = list(texts.items())
    chance.shuffle(shuffled)
    assert index_of(texts).groups() == index_of(dict(shuffled)).groups()


def test_many_copies_of_one_text_are_one_group():
    text = " ".join(VOCABULARY[:30])
    index = index_of(dict.fromkeys(range(3000), text))
    assert set(index.groups().values()) == {0}
    assert len(index.groups()) == 3000
    assert index.closest(2999, [5, 7]) == (5, 1.0)
    assert index.closest(2999, list(range(2999)))


def test_a_closest_key_below_the_threshold_is_none():
    index = index_of({1: " ".join(VOCABULARY[:30]), 2: " ".join(VOCABULARY[20:60])})
    assert index.closest(1, [2]) is None
    assert index.similarity(1, 2) == pytest.approx(10 / 60)


def test_a_text_of_many_words_beside_small_ones():
    long = " ".join(f"w{number}" for number in range(60_000))
    texts = {1: long, 2: long + " more", 3: " ".join(VOCABULARY[:20]), 4: " ".join(VOCABULARY[:20])}
    assert index_of(texts).groups() == {1: 1, 2: 1, 3: 3, 4: 3}


def test_the_pulse_can_end_the_search():
    class Ended(Exception):
        pass

    def end() -> None:
        raise Ended

    index = NearIndex(0.8, end)
    index.add_batch([1, 2], [" ".join(VOCABULARY[:30])] * 2)
    with pytest.raises(Ended):
        index.groups()


def test_a_full_disk_is_told(small_disk, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    index = NearIndex(0.8)
    with pytest.raises(Exception, match="full"):
        for start in range(0, 20_000, 1000):
            index.add_batch(range(start, start + 1000), [" ".join(VOCABULARY[:50])] * 1000)
