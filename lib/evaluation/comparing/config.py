"""What to compare and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lib.errors import BadSettings
from lib.evaluation.metrics import DEFAULT_METRICS

MOST_REPEATS = 20


@dataclass(frozen=True)
class CompareConfig:
    """A comparison's settings. Greedy by default, so that a repeat gives the same texts.

    Raises:
        BadSettings: values that cannot be used, all of them together.
    """

    limit: int = 0
    """Questions at most; 0 takes all."""
    metrics: tuple[str, ...] = DEFAULT_METRICS
    max_new_tokens: int = 96
    """Longest answer, in tokens."""
    temperature: float = 0.0
    """0 takes the likeliest token each time; above that tokens are drawn, the more freely the higher."""
    top_p: float = 1.0
    """Draw only from the likeliest tokens that together have this share."""
    seed: int = 0
    """Start of what is drawn; every side draws the same numbers for a question."""
    repeats: int = 1
    """How often each question is asked, each time with the next seed: shows how much is noise."""
    system: str = ""
    """A system prompt for all questions that have none."""

    def __post_init__(self) -> None:
        faults = {
            "limit": "" if self.limit >= 0 else "must be 0 (all) or more",
            "metrics": "" if self.metrics else "must name at least one",
            "max_new_tokens": "" if self.max_new_tokens >= 1 else "must be 1 or more",
            "temperature": "" if 0 <= self.temperature <= 5 else "must be from 0 to 5",
            "top_p": "" if 0 < self.top_p <= 1 else "must be above 0 and at most 1",
            "seed": "" if self.seed >= 0 else "must be 0 or more",
            "repeats": self._fault_of_repeats(),
        }
        if found := {name: fault for name, fault in faults.items() if fault}:
            raise BadSettings(found)

    def _fault_of_repeats(self) -> str:
        if not 1 <= self.repeats <= MOST_REPEATS:
            return f"must be from 1 to {MOST_REPEATS}"
        if self.repeats > 1 and not self.temperature:
            return "needs a temperature above 0: greedy answers are the same each time"
        return ""

    @property
    def decoding(self) -> str:
        """How tokens are chosen, in words."""
        drawn = f"temperature {self.temperature:g}, top-p {self.top_p:g}, seed {self.seed}"
        return f"{drawn if self.temperature else 'greedy'}, {self.max_new_tokens} new tokens at most"

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "metrics": list(dict.fromkeys(self.metrics))}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> CompareConfig:
        """`to_dict` back again; what else is stored beside it is passed over."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        return cls(**{**known, "metrics": tuple(known.get("metrics", DEFAULT_METRICS))})
