"""How long the answers of a comparison have to be: the room that most of its references take.

room(datasets.get("medical-terms"), "test", "starter")    # 112: nine in ten references have so many tokens or fewer
"""

from __future__ import annotations

import math
from functools import lru_cache

from lib import models
from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.evaluation import prompt_sets
from lib.formats import load_tokenizer

SHARE = 0.9  # of the references
SAMPLE = 300  # references that are counted
STEP = 16  # it is rounded up to these


def room(info: DatasetInfo, split: str, model: str) -> int | None:
    """Tokens, with the one that ends an answer, that most references of a split have; None where it has none.

    Raises:
        StudioError: rows or model that cannot be read.
    """
    return _of_split(info.ref, info.hash, split, model)


@lru_cache(maxsize=64)
def _of_split(ref: str, content: str, split: str, model: str) -> int | None:
    """`content` only tells a version from another of its name."""
    rows = datasets.conversations(datasets.get(ref), split, SAMPLE)
    return _room(tuple(conversation.answer() for _, conversation in rows), model)


def room_of_set(name: str, model: str) -> int | None:
    """The same of a prompt set.

    Raises:
        StudioError: prompts or model that cannot be read.
    """
    return _room(tuple(prompt.reference for prompt in prompt_sets.prompts(name, SAMPLE)), model)


@lru_cache(maxsize=64)
def _room(references: tuple[str, ...], model: str) -> int | None:
    known = [text for text in references if text.strip()]
    if not known:
        return None
    lengths = sorted(load_tokenizer(models.find(model).path).lengths(known))
    longest = lengths[math.ceil(SHARE * len(lengths)) - 1] + 1
    return math.ceil(longest / STEP) * STEP
