"""What the form of a comparison begins with: answers as long as the references, and rows that take some minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lib.data import datasets
from lib.errors import StudioError
from lib.evaluation import lengths
from lib.evaluation.comparisons import CompareConfig
from lib.training import runs
from studio.components.comparing.draft import Draft

LEAST, MOST = 32, 256  # tokens of an answer
ROWS = (60, 50, 40, 30, 25, 20)  # the first that stays within the time; fewer would show nothing
SECONDS = 200.0  # about three minutes


@dataclass(frozen=True)
class Begin:
    """`rows` and `tokens` to begin with; `needed`: tokens that nine in ten references take, None where unknown."""

    rows: int = ROWS[0]
    tokens: int = CompareConfig.max_new_tokens
    needed: int | None = None


def begin(draft: Draft) -> Begin:
    """For who and what is chosen."""
    try:
        needed = _needed(draft)
    except StudioError:  # what is wrong stands beside its field
        needed = None
    tokens = CompareConfig.max_new_tokens if needed is None else min(max(needed, LEAST), MOST)
    return Begin(next((rows for rows in ROWS if _in_time(draft, rows, tokens)), ROWS[-1]), tokens, needed)


def _needed(draft: Draft) -> int | None:
    model = runs.get(draft.runs[0]).model if draft.runs else next(iter(draft.models), "")
    if not model or draft.upload:
        return None
    if draft.prompt_set:
        return lengths.room_of_set(draft.prompt_set, model)
    return lengths.room(datasets.get(draft.data), draft.split, model) if draft.data and draft.split else None


def _in_time(draft: Draft, rows: int, tokens: int) -> bool:
    pace = replace(draft, settings={"limit": rows, "max_new_tokens": tokens}).pace()
    return pace is None or pace.seconds <= SECONDS
