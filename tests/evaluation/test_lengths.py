"""The room that most references of a comparison take."""

from __future__ import annotations

import pytest

from lib import models
from lib.data import datasets
from lib.evaluation import lengths, prompt_sets
from lib.formats import load_tokenizer
from tests.app import seeds


@pytest.fixture
def data(home):
    seeds.samples()
    seeds.model()
    return datasets.get("medical-terms")


def test_nine_in_ten_references_end_within_it(data):
    found = lengths.room(data, "test", "starter")
    count = load_tokenizer(models.find("starter").path).lengths
    needed = [length + 1 for length in count([one.answer() for _, one in datasets.conversations(data, "test")])]
    assert sum(one <= found for one in needed) >= 0.9 * len(needed)
    assert sum(one <= found - lengths.STEP for one in needed) < 0.9 * len(needed)


def test_of_a_prompt_set_those_with_a_reference_count(data):
    prompt_sets.keep("few", [{"role": "user", "content": "What is it?"}], "", {}, "ada")
    assert lengths.room_of_set("few", "starter") is None
    prompt_sets.keep("few", [{"role": "user", "content": "What is that?"}], "It is this.", {}, "ada")
    assert lengths.room_of_set("few", "starter") == lengths.STEP
