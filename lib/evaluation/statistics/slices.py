"""One metric within groups of rows, each with its own interval, corrected for how many groups were looked at."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from lib.errors import BadInput
from lib.evaluation.metrics import MetricSpec, Scores, resolve, take
from lib.evaluation.statistics.comparing import compare, judged, summary
from lib.evaluation.statistics.evidence import adjusted
from lib.evaluation.statistics.records import Difference, Summary
from lib.evaluation.statistics.words import sentence


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """One group of rows."""

    label: Any
    """What its rows share."""
    rows: int
    """Rows in it, also those that do not count."""
    base: Summary
    tuned: Summary
    difference: Difference
    sentence: str

    @property
    def enough(self) -> bool:
        """Whether it has rows enough to be called anything."""
        return self.difference.enough

    def to_dict(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "rows": self.rows,
            "base": self.base.to_dict(),
            "tuned": self.tuned.to_dict(),
            **self.difference.to_dict(),
            "enough": self.enough,
            "sentence": self.sentence,
        }


def compare_slices(
    metric: str | MetricSpec, base: Scores, tuned: Scores, labels: Sequence[Hashable], seed: int = 0
) -> list[SliceDifference]:
    """Tuned against base within each group, largest first; p corrected over all groups with rows enough (Holm).

    Args:
        labels: the group of each row; None: in no group.

    Raises:
        NotFound: no metric of that name.
        BadInput: not one label a row.
    """
    spec = resolve(metric)
    if not len(labels) == len(base.values) == len(tuned.values):
        raise BadInput(
            f"{len(labels)} labels for {len(base.values)} rows of base and {len(tuned.values)} of tuned.",
            "Give one label a row.",
        )
    groups: dict[Hashable, list[int]] = {}
    for position, label in enumerate(labels):
        if label is not None:
            groups.setdefault(label, []).append(position)
    parts = [(take(spec, base, rows), take(spec, tuned, rows)) for rows in groups.values()]
    found = adjusted([compare(spec, left, right, seed) for left, right in parts])
    slices = [
        _slice(spec, label, len(groups[label]), left, right, judged(spec, difference), seed)
        for label, (left, right), difference in zip(groups, parts, found, strict=True)
    ]
    return sorted(slices, key=lambda one: -one.rows)


def _slice(
    spec: MetricSpec, label: Any, rows: int, base: Scores, tuned: Scores, found: Difference, seed: int
) -> SliceDifference:
    return SliceDifference(
        label, rows, summary(spec, base, seed), summary(spec, tuned, seed), found, sentence(spec, found)
    )
