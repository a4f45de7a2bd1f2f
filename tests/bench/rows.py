"""Rows for the bench: questions and answers of real sentences, with columns to filter by; the same in every run."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lib.settings import ROOT

SAMPLES = ("medical-terms", "support-desk")


def rows(count: int) -> Iterator[dict[str, Any]]:
    """`count` rows of about 600 characters, a few of thousands."""
    known = _sentences()
    chance = random.Random(1)
    for number in range(count):
        yield {
            "question": f"Question {number}: {chance.choice(known)}",
            "answer": " ".join(_some(known, chance)),
            "source": f"source {int(chance.random() ** 2 * 9)}",
            "year": chance.randint(1990, 2025),
            "score": round(chance.random(), 3),
            "reviewed": chance.random() < 0.3,
            "url": f"https://example.org/{number}",
        }


def write_rows(path: Path, count: int) -> None:
    """The same rows as JSON Lines."""
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows(count))


def _some(known: list[str], chance: random.Random) -> Iterator[str]:
    wanted = min(8000, math.exp(chance.gauss(5.6, 0.8)))
    while wanted > 0:
        sentence = chance.choice(known)
        wanted -= len(sentence) + 1
        yield sentence


def _sentences() -> list[str]:
    texts: list[str] = []
    for sample in SAMPLES:
        for line in (ROOT / "studio" / "samples" / sample / "rows.jsonl").read_text().splitlines():
            texts += json.loads(line).values()
    return [f"{part.strip()}." for text in texts for part in text.split(".") if len(part) > 10]
