"""Stored comparisons with real figures: scores and statistics as the job makes them, on answers that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lib.database import Comparison, session
from lib.evaluation import statistics
from lib.evaluation.comparing.config import CompareConfig
from lib.evaluation.metrics import METRICS, score, take, to_columns
from lib.evaluation.sides import Side
from lib.storage import comparison_dir, write_json
from tests.evaluation import stored

SENTENCE = "the small joint bone sac near knee holds fluid that softens each step and turn"
WORDS = SENTENCE.split()
CHOSEN = ("rougeL", "chrf", "exact_match")


def texts(rows: int, shift: int) -> list[str]:
    """Answers that share more or fewer words with each other by row."""
    return [" ".join(WORDS[(row * shift + at) % len(WORDS)] for at in range(4 + row % 5)) for row in range(rows)]


def scored(
    base: Sequence[str],
    tuned: Sequence[str],
    references: Sequence[str],
    prompts: Sequence[str] | None = None,
    leaked: Sequence[int] = (),
    names: tuple[str, str] = ("starter", "gentle-otter"),
    warnings: Sequence[str] = (),
) -> int:
    """Two sides scored by `CHOSEN`; the number of the comparison. `leaked`: positions."""
    answers = dict(zip(names, (base, tuned), strict=True))
    rows = len(base)
    table = {
        name: {metric: score(METRICS[metric], list(given), list(references)) for metric in CHOSEN}
        for name, given in answers.items()
    }
    columns: dict[str, Any] = {
        "reference": list(references),
        "leaked": [row in leaked for row in range(rows)],
        **{f"prompt_tokens|{names[0]}": [4 + row % 20 for row in range(rows)]},
        **{f"tokens|{name}": [len(text.split()) for text in given] for name, given in answers.items()},
        **{f"ended|{name}": ["end" if row % 4 else "limit" for row in range(rows)] for name in answers},
    }
    for name, by_metric in table.items():
        for metric, scores in by_metric.items():
            columns |= to_columns(metric, name, scores)
    number = stored.comparison(answers, prompts, **columns)
    write_json(comparison_dir(number) / "result.json", _result(table, rows, leaked, names, warnings))
    sides = [Side(name, "starter", run, "none", "llama2") for name, run in zip(names, (None, names[1]), strict=True)]
    with session() as opened:
        config = CompareConfig(limit=rows, metrics=CHOSEN).to_dict()
        opened.get_one(Comparison, number).config = {**config, "sides": [side.to_dict() for side in sides]}
    return number


def plain(rows: int = 40, leaked: Sequence[int] = (1, 2, 3)) -> int:
    """One where tuned is better, some rows leaked, and there is a warning."""
    references = texts(rows, 3)
    tuned = [text if row % 4 else text[: len(text) // 2] for row, text in enumerate(references)]
    base = [
        text if row % 4 == 0 else other
        for row, (text, other) in enumerate(zip(references, texts(rows, 7), strict=True))
    ]
    return scored(base, tuned, references, leaked=leaked, warnings=["The sides are asked in different templates."])


def _result(
    table: Any, rows: int, leaked: Sequence[int], names: tuple[str, str], warnings: Sequence[str]
) -> dict[str, Any]:
    kept = [row for row in range(rows) if row not in leaked]
    clean = {
        name: {metric: take(METRICS[metric], scores, kept) for metric, scores in by_metric.items()}
        for name, by_metric in table.items()
    }
    hashes = {"base_sha256": "a" * 64, "tokenizer_sha256": "b" * 64, "template_sha256": "c" * 64}
    return {
        **statistics.evidence(clean).to_dict(),
        "with_leaks": statistics.evidence(table).to_dict() if leaked else None,
        "leaked": len(leaked),
        "warnings": [{"kind": "other", "text": text} for text in warnings],
        "proof": {names[1]: {"differs": True, "adapter_sha256": "d" * 64}},
        "sides": {
            name: {"model": "starter", "run": run, "quantization": "none", "template": "llama2", **hashes, **extra}
            for name, run, extra in zip(names, (None, names[1]), ({}, {"adapter_sha256": "d" * 64}), strict=True)
        },
        "metrics": {name: METRICS[name].to_dict() for name in CHOSEN},
        "rows": rows,
        "asked": rows,
        "unmatched": 2,
        "left_out": {"longer than the model": 1},
        "empty": dict.fromkeys(names, 0),
        "decoding": "greedy, 96 new tokens at most",
        "seconds": 64.2,
        "finished_at": 1790000000.0,
    }
