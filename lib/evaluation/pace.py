"""About how long a comparison will take, told before it starts: from one like it, else from how fast its run trained.

about({"starter"}, answers=60, config=CompareConfig(), run="gentle-otter")    # Pace(seconds=115.0, source="…")
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from lib.database.models import FINISHED
from lib.errors import StudioError
from lib.evaluation import comparisons
from lib.evaluation.comparing.config import CompareConfig
from lib.training import runs

READY_SECONDS = 25.0  # libraries and models, and the figures at the end
READING = 2.5
"""Tokens of a reference that are read while one is trained on: there is no way back. Answers, one token after the
other but of many questions at once, take about as long as training (starter, two cores)."""
LATEST = 40  # comparisons looked at


@dataclass(frozen=True, slots=True)
class Pace:
    """`seconds` from the start to the verdict; `source` says where that comes from."""

    seconds: float
    source: str


def about(models: Set[str], answers: int, config: CompareConfig, run: str = "") -> Pace | None:
    """What these settings will take; None where nothing is known yet.

    Args:
        models: names of all bases that take part.
        answers: questions times sides.
        run: one of the runs that take part.
    """
    return _like_another(models, answers, config) or _like_training(answers, config, run)


def _like_another(models: Set[str], answers: int, config: CompareConfig) -> Pace | None:
    for view in comparisons.list_comparisons(LATEST):
        seconds, asked = view.result.get("seconds"), view.result.get("asked", 0) * len(view.sides)
        if view.status != FINISHED or not seconds or not asked or {side.model for side in view.who} != models:
            continue
        asked *= view.settings.repeats * view.settings.max_new_tokens
        each = max(seconds - READY_SECONDS, 0.0) / asked
        return Pace(
            READY_SECONDS + each * answers * config.repeats * config.max_new_tokens, f"going by comparison {view.id}"
        )
    return None


def _like_training(answers: int, config: CompareConfig, run: str) -> Pace | None:
    try:
        view = runs.get(run)
    except StudioError:
        return None
    rate, tokens, steps = (view.summary.get(key) for key in ("tokens_per_second", "tokens", "steps"))
    if not rate or not tokens or not steps:
        return None
    row = tokens / (steps * max(view.config.rows_per_step, 1))
    each = row / READING + config.repeats * config.max_new_tokens
    return Pace(READY_SECONDS + answers * each / rate, f"going by how fast {run} was trained")
