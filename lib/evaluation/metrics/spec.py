"""What a metric is, and what it found: the records of this package."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Needs = Literal["text", "loss", "answer"]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a person and a program need to know to read a metric's figures."""

    name: str
    """Key in `METRICS`; `rule:<name>` and `folder:<name>` for those of a team."""
    label: str
    """Name on screen."""
    range: tuple[float, float | None]
    """Lowest and highest possible corpus figure; None: no upper bound."""
    higher_is_better: bool | None
    """None: it describes the answers; neither direction is better."""
    help: str
    """One line: what it measures, unit and direction."""
    signature: str
    """Library, version and options: what it takes to compute the same figure elsewhere."""
    needs: Needs
    """`text`: answer and reference; `loss`: loss and tokens of the reference; `answer`: the answer alone."""
    digits: int
    """Decimals worth showing."""
    pass_fail: bool = False
    """Every row is 1 or 0, so that counts of rows say it all."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "range": list(self.range)}

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> MetricSpec:
        """`to_dict` back again: for figures whose rule or folder is gone."""
        low, high = stored["range"]
        return MetricSpec(**{**stored, "range": (low, high)})


@dataclass(frozen=True, slots=True)
class Scores:
    """One value an example, in the order given."""

    values: list[float]
    """In the metric's range; of a loss nats per token, which `shown` turns into a perplexity. nan: does not count."""
    weights: list[float]
    """1.0 for a row that counts, tokens (or bytes) of the reference for a loss; 0.0 for a row that does not count."""
    mean: float
    """The corpus figure; nan when no row counts."""
    sums: list[tuple[float, ...]] | None = None
    """Where the corpus figure is no plain mean: the numbers of each row that it is made of once they are added up,
    such as matches and lengths for BLEU. None: (value * weight, weight)."""
    errors: dict[int, str] = field(default_factory=dict)
    """Rows on which the metric failed, by position, and why. They do not count."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "values": [finite(value) for value in self.values],
            "weights": self.weights,
            "mean": finite(self.mean),
            "errors": {str(position): reason for position, reason in self.errors.items()},
        }


def finite(value: float | None) -> float | None:
    """`value` as a plain float, None in place of nan and infinity, which JSON does not have."""
    return float(value) if value is not None and math.isfinite(value) else None
