"""What a run was made with, in words."""

from __future__ import annotations

from lib.training.facts import LABELS, in_words
from lib.training.run_view import FACT_KEYS


def test_every_fact_is_in_words():
    assert set(LABELS) == set(FACT_KEYS)
    found = in_words(
        {
            "data_hash": "ab12",
            "git": {"commit": "0123456789abcdef", "dirty": True},
            "versions": {"python": "3.11.2", "torch": "2.13.0"},
            "ready_seconds": 75.2,
            "other_share": 0.251,
        }
    )
    assert list(found.values()) == [
        "ab12",
        "commit 0123456789ab, with changes that are not committed",
        "python 3.11.2, torch 2.13.0",
        "1 min 15 s",
        "25%",
    ]
    assert not any("{" in words for words in found.values())
