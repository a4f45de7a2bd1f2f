"""A finished comparison with all that a job leaves behind: answers, scores, figures, leaks. No model is needed."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from lib.data import datasets
from lib.evaluation.comparing import checks, files, questions, scoring
from lib.evaluation.comparing.questions import Question
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.leaks import Leaks
from lib.evaluation.metrics import MetricSpec, Scores, get_spec, take
from lib.evaluation.metrics.catalogue import ROWS
from lib.evaluation.metrics.rows import scored
from lib.evaluation.sides import Side
from lib.evaluation.statistics import noise
from lib.storage import comparison_dir, write_json, write_text


def asked(view: ComparisonView, rows: int) -> list[Question]:
    """The first rows of the split."""
    info = datasets.get(view.data_ref)
    found = []
    for row_id, conversation in datasets.conversations(info, view.split, limit=rows):
        found.append(Question(row_id, conversation.messages[:-1], conversation.answer()))
    return found


def write(view: ComparisonView, rows: int = 12, leaked: int = 1) -> None:
    """The folder of a comparison. The tuned sides answer well but for each eighth row, where the base does."""
    base, *tuned = view.who
    asks = asked(view, rows)
    answered = scoring.Answered(asks, view.sides, _records(asks, view.sides))  # type: ignore[arg-type]
    leaks = Leaks({side.run: _kinds(asks[:leaked]) for side in tuned if side.run}, {})
    table, figured = _scored(tuple(asks), len(view.sides), view.settings.metrics, leaked)
    for place, side in enumerate(view.sides):
        figured = figured.replace(f"side-{place}", side)
    folder = comparison_dir(view.id)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / files.QUESTIONS, questions.written(asks))
    renamed = {side: table[f"side-{place}"] for place, side in enumerate(view.sides)}
    scoring.write_outputs(folder, answered, renamed, leaks.rows)
    result = {
        **json.loads(figured),
        "leaks": leaks.counts(),
        "leaked": len(leaks.rows),
        "warnings": checks.of_leaks(leaks, len(asks), len(leaks.rows)),
        "proof": {side.run: {"differs": True, "adapter_sha256": "ad" * 32} for side in tuned if side.run},
        "sides": {side.name: _hashes(side) for side in view.who},
        "rows": len(asks),
        "asked": len(asks),
        "left_out": {"longer than the run's max_length": 2},
        "unmatched": 0,
        "empty": {side: int(side == base.name) for side in view.sides},
        "decoding": view.settings.decoding,
        "stopped": False,
        "seconds": 61.5,
        "tokens": 1234,
        "finished_at": time.time(),
    }
    write_json(folder / files.RESULT, result)


@functools.cache
def _scored(asks: tuple[Question, ...], count: int, metrics: tuple[str, ...], leaked: int) -> tuple[scoring.Table, str]:
    """Scores of sides called `side-0` and so on, and the figures as JSON: the same rows are scored once a process."""
    sides = [f"side-{place}" for place in range(count)]
    answered = scoring.Answered(list(asks), sides, _records(asks, sides))  # type: ignore[arg-type]
    specs = {name: get_spec(name) for name in metrics}
    table = {side: {name: _scores(answered, side, spec) for name, spec in specs.items()} for side in sides}
    clean = answered.clean(frozenset(question.row_id for question in asks[:leaked]))
    seeds = {
        side: {
            name: noise([take(spec, table[side][name], clean).mean + step for step in (0, 0.1, -0.2)]).to_dict()
            for name, spec in specs.items()
            if spec.needs != "loss"
        }
        for side in sides
    }
    found = {
        **scoring.figures(table, specs, clean),
        "with_leaks": scoring.figures(table, specs) if leaked else None,
        "metrics": {name: spec.to_dict() for name, spec in specs.items()},
        "errors": {},
        "noise": {"seeds": seeds, "runs": []},
    }
    return table, json.dumps(found)


def _scores(answered: scoring.Answered, side: str, spec: MetricSpec) -> Scores:
    """What the job would score, without the import of `evaluate`, and with it of torch."""
    answers, losses = answered.answers(side), answered.losses(side)
    given = {
        "predictions": [answer["text"] for answer in answers],
        "references": [question.reference for question in answered.questions],
        "losses": [loss["nats"] for loss in losses],
        "tokens": [loss["ref_tokens"] for loss in losses],
        "ended": [answer["ended"] == "end" for answer in answers],
    }
    row, names = ROWS[spec.name]
    return scored(spec, row, {name: given[name] for name in names})


def _records(asks: Sequence[Question], sides: Sequence[str]) -> Any:
    answers: dict[files.Key, dict[str, Any]] = {}
    losses: dict[tuple[int, str], dict[str, Any]] = {}
    for place, question in enumerate(asks):
        words = question.reference.split()
        for number, side in enumerate(sides):
            good = bool(number) == (place % 8 != 4)
            text = " ".join(words[: len(words) - place % 3]) if good else f"Answer {place} of $5, with *stars*."
            tokens = {"tokens": len(text.split()) + 2, "prompt_tokens": 8 + place, "ended": "end" if good else "length"}
            answers[question.row_id, side, 0] = {"text": text, **tokens}
            nats = len(words) * ((1.0 if good else 2.5) + 0.05 * (place % 4) + 0.01 * number)
            losses[question.row_id, side] = {"nats": nats, "ref_tokens": max(len(words), 1)}
    return SimpleNamespace(answers=answers, losses=losses)


def _kinds(asks: Sequence[Question]) -> dict[str, list[int]]:
    return {"exact": [question.row_id for question in asks], "question": [], "near": []}


def _hashes(side: Side) -> dict[str, Any]:
    return {
        "model": side.model,
        "run": side.run,
        "quantization": side.quantization,
        "template": side.template,
        "escape": side.escape,
        "base_sha256": "ba" * 32,
        "adapter_sha256": "ad" * 32 if side.run else None,
        "tokenizer_sha256": "70" * 32,
        "template_sha256": "7e" * 32,
    }
