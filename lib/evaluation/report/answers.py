"""Questions whose answers got worse, worst first, with the words that differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.data.versions.text_diff import Piece, words
from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.examples import Filters, Order, examples
from lib.evaluation.metrics import MetricSpec, shown
from lib.evaluation.report.figures import NOTHING, value
from lib.words import counted

LONGEST = 8000
"""Characters of one text that are shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One side's answer."""

    side: str
    pieces: list[Piece]
    told: str
    """Its length and how it ended."""


@dataclass(frozen=True, slots=True)
class Example:
    """One question."""

    row_id: int
    prompt: str
    reference: str
    leaked: bool
    scores: list[tuple[str, str, str]]
    """Metric, value of base, value of tuned."""
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Worst:
    """The examples of one tuned side, and how many there are in all."""

    tuned: str
    total: int
    examples: list[Example]


def worst(view: ComparisonView, spec: MetricSpec, tuned: str, limit: int) -> Worst:
    """Where `tuned` lost against base by a metric, worst first."""
    base = view.sides[0]
    lost = Filters(outcome="lost", metric=spec.name, tuned=tuned, base=base)
    page = examples(view.id, Order("worst", spec.name, tuned, base), lost, limit)
    return Worst(tuned, page.total, [_example(view, row, base, tuned) for row in page.rows])


def _example(view: ComparisonView, row: Mapping[str, Any], base: str, tuned: str) -> Example:
    before, after = (_cut(row.get(f"text|{side}") or "") for side in (base, tuned))
    pieces = words(before, after)
    return Example(
        row["row_id"],
        _cut(row.get("prompt") or ""),
        _cut(row.get("reference") or ""),
        bool(row.get("leaked")),
        [
            (spec.label, _score(spec, row.get(f"{name}|{base}")), _score(spec, row.get(f"{name}|{tuned}")))
            for name, spec in view.metrics.items()
        ],
        [
            Answer(base, [piece for piece in pieces if piece.kind != "added"], _told(row, base)),
            Answer(tuned, [piece for piece in pieces if piece.kind != "removed"], _told(row, tuned)),
        ],
    )


def _score(spec: MetricSpec, found: float | None) -> str:
    return NOTHING if found is None else value(spec, shown(spec, found))


def _told(row: Mapping[str, Any], side: str) -> str:
    """`12 tokens, cut at the limit`; empty where that was not stored."""
    tokens = row.get(f"tokens|{side}")
    if tokens is None:
        return ""
    ended = row.get(f"ended|{side}")
    return counted(tokens, "token") + {"end": "", None: ""}.get(ended, ", cut at the limit")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST:,} characters more)"
