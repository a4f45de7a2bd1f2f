"""Near-duplicates of 100,000 and a million rows beside rensa's hashing alone, and all checks beside one process."""

from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

from lib.settings import ROOT

ROWS = 100_000
MILLION = 1_000_000
CHECKED = 20_000
BATCH = 1024
WORDS = 220  # of a row, as in answers to medical questions: about 1.4 kB
SUBJECTS = 15_000
COPIES = 0.1  # share of rows that differ from another in a few words only
Line = tuple[str, str, str, str, str]


def measure() -> list[Line]:
    """One pass each, on texts drawn from the words of a sample, as often as they stand there."""
    return [_near(ROWS, "<= 10 s"), _near(MILLION, "<= 120 s"), _checks()]


class _Texts:
    """Texts by number, the same for every run: most are new, a tenth are another one with four words changed."""

    def __init__(self) -> None:
        lines = (ROOT / "studio" / "samples" / "medical-terms" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
        self._words = [word for line in lines for text in json.loads(line).values() for word in str(text).split()]

    def batches(self, count: int) -> Iterator[list[str]]:
        chance = random.Random(8)
        recent: list[list[str]] = []
        for start in range(0, count, BATCH):
            batch = []
            for _ in range(min(BATCH, count - start)):
                if recent and chance.random() < COPIES:
                    words = list(chance.choice(recent))
                    for place in chance.sample(range(WORDS), 4):
                        words[place] = "changed"
                else:
                    words = chance.choices(self._words, k=WORDS)
                batch.append(" ".join(words))
                recent.append(words)
            recent = recent[-SUBJECTS:]
            yield batch


class _Clock:
    """Adds up the seconds spent in what it is given."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        result = function(*arguments)
        self.seconds += time.perf_counter() - began
        return result


def _near(count: int, budget: str) -> Line:
    from rensa import RMinHash

    from lib.data.near import NearIndex
    from lib.data.word_sets import HASHES

    def hash_alone(texts: list[str]) -> None:
        RMinHash.digest_matrix_from_token_sets([text.lower().split() for text in texts], HASHES, 42)

    index, ours, alone = NearIndex(0.8), _Clock(), _Clock()
    for number, texts in enumerate(_Texts().batches(count)):
        ours(index.add_batch, range(number * BATCH, number * BATCH + len(texts)), texts)
        alone(hash_alone, texts)
    members = len(ours(index.groups))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"near-duplicates of {count:,} rows ({members:,} found, peak {peak:.0f} MB)",
        f"{ours.seconds:.1f} s",
        f"{alone.seconds:.1f} s (rensa hashing alone)",
        f"{ours.seconds / alone.seconds:.1f}",
        budget,
    )


def _checks() -> Line:
    from lib.data.checks import helpers, run_checks
    from lib.records import Conversation, Message

    texts = [text for batch in _Texts().batches(CHECKED) for text in batch]
    rows = [
        (number, Conversation((Message("user", text[:80]), Message("assistant", f"{text.capitalize()}."))))
        for number, text in enumerate(texts, start=1)
    ]
    ours, alone = _Clock(), _Clock()
    ours(run_checks, lambda: rows, CHECKED)
    most, helpers.MAX_HELPERS = helpers.MAX_HELPERS, 0
    alone(run_checks, lambda: rows, CHECKED)
    helpers.MAX_HELPERS = most
    return (
        "all checks, rows/s",
        f"{CHECKED / ours.seconds:,.0f}",
        f"{CHECKED / alone.seconds:,.0f} (one process)",
        f"{ours.seconds / alone.seconds:.2f}",
        ">= 5,000 on 2 cores",
    )
