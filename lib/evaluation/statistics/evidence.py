"""All metrics and all tuned sides together: corrected p-values, and one verdict over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib.errors import BadInput
from lib.evaluation.metrics import MetricSpec, Scores, resolve
from lib.evaluation.statistics.comparing import compare, judged, summary
from lib.evaluation.statistics.records import FEWEST_ROWS, Difference, OverallVerdict, Summary
from lib.evaluation.statistics.words import listed, sentence
from lib.words import counted

FEW_ROWS = 30
"""Below this, no evidence says little: a share of passes must then move by a quarter or more to show."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One metric of one tuned side against the base."""

    base: str
    tuned: str
    spec: MetricSpec
    difference: Difference

    @property
    def sentence(self) -> str:
        return sentence(self.spec, self.difference)

    def to_dict(self) -> dict[str, Any]:
        names = {"base": self.base, "tuned": self.tuned, "metric": self.spec.name}
        return {**names, **self.difference.to_dict(), "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a comparison says."""

    models: dict[str, dict[str, Summary]]
    """side -> metric -> figure with interval."""
    pairs: list[Pair]
    verdicts: dict[str, OverallVerdict]
    """tuned side -> verdict over all its metrics."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "models": {
                side: {metric: found.to_dict() for metric, found in by_metric.items()}
                for side, by_metric in self.models.items()
            },
            "pairs": [pair.to_dict() for pair in self.pairs],
            "verdicts": {tuned: found.to_dict() for tuned, found in self.verdicts.items()},
        }


def evidence(
    scores: Mapping[str, Mapping[str, Scores]],
    seed: int = 0,
    base: str | None = None,
    specs: Mapping[str, MetricSpec] | None = None,
) -> Evidence:
    """Everything about a comparison: figures of each side, differences from the base, verdicts.

    Args:
        scores: side -> metric -> scores; the same metrics and rows for each side.
        seed: of all resampling.
        base: the side that the others are compared with; by default the first.
        specs: of metrics that may be gone by now.

    Raises:
        NotFound: no metric of that name.
        BadInput: no sides, no such base, or scores of different numbers of rows.
    """
    if not scores or (base is not None and base not in scores):
        raise BadInput("There is no side to compare with.", f"Sides: {', '.join(scores) or 'none'}.")
    base = base or next(iter(scores))
    known = {metric: (specs or {}).get(metric) or resolve(metric) for metric in scores[base]}
    models = {
        side: {metric: summary(spec, scores[side][metric], seed) for metric, spec in known.items()} for side in scores
    }
    pairs = adjust(
        [
            Pair(base, side, spec, compare(spec, scores[base][metric], scores[side][metric], seed))
            for side in scores
            if side != base
            for metric, spec in known.items()
        ]
    )
    tuned = [side for side in scores if side != base]
    return Evidence(models, pairs, {side: verdict([pair for pair in pairs if pair.tuned == side]) for side in tuned})


def adjust(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with p corrected for all of them (Holm 1979), and the verdicts that follow from it.

    So all verdicts of a comparison together are wrong by chance in at most 5 of 100 comparisons of equal models.
    Pairs with too few rows are not called anything, and do not make it harder for the others.
    """
    found = adjusted([pair.difference for pair in pairs])
    return [
        replace(pair, difference=judged(pair.spec, difference)) for pair, difference in zip(pairs, found, strict=True)
    ]


def adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """The differences with `p_holm`, over those with rows enough."""
    tested = [position for position, found in enumerate(differences) if found.enough]
    corrected = dict(zip(tested, holm([differences[position].p for position in tested]), strict=True))
    return [replace(found, p_holm=corrected.get(position)) for position, found in enumerate(differences)]


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for as many tests (Holm 1979): the smallest counts n times, the next n - 1 times, and none
    becomes smaller than one before it. In the order of `values`."""
    corrected = [1.0] * len(values)
    floor = 0.0
    for place, position in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        floor = corrected[position] = min(1.0, max(floor, (len(values) - place) * values[position]))
    return corrected


def verdict(pairs: Sequence[Pair]) -> OverallVerdict:
    """What the metrics of one tuned side say together; metrics that only describe have no voice."""
    judging = [pair for pair in pairs if pair.spec.higher_is_better is not None]
    tested = [pair for pair in judging if not pair.difference.untested]
    if not tested:
        return OverallVerdict("not tested", "Not tested: no metric could be compared." + _aside(pairs))
    if not any(pair.difference.enough for pair in tested):
        most = max(pair.difference.n for pair in tested)
        told = f"No verdict: {counted(most, 'row')} {'is' if most == 1 else 'are'} too few ({FEWEST_ROWS} at least)."
        return OverallVerdict("too few rows", told)
    better, worse = (_labels(tested, word) for word in ("tuned better", "tuned worse"))
    open_ = [pair.spec.label for pair in tested if pair.difference.verdict == "no evidence"]
    return _weighed(better, worse, open_, max(pair.difference.n for pair in tested), _aside(pairs))


def _weighed(better: list[str], worse: list[str], open_: list[str], rows: int, aside: str) -> OverallVerdict:
    """Words for the metrics that are better, worse, and undecided."""
    total = len(better) + len(worse) + len(open_)
    rest = f"; no evidence on {listed(open_)}" if open_ else ""
    if better and worse:
        told = f"Tuned is better on {listed(better)}, worse on {listed(worse)}{rest}: decide what matters."
        return OverallVerdict("mixed", told + aside)
    if not better and not worse:
        few = f" {counted(rows, 'row')} show only large differences." if rows < FEW_ROWS else ""
        told = f"No evidence that tuned and base differ, on {_of(open_, total)}.{few}"
        return OverallVerdict("no evidence", told + aside)
    way, there = ("better", better) if better else ("worse", worse)
    told = f"Tuned is {way} on {_of(there, total)}{rest}."
    return OverallVerdict("tuned better" if better else "tuned worse", told + aside)


def _of(labels: list[str], total: int) -> str:
    """`3 of 4 metrics (A, B and C)`, `both metrics (A and B)`, `all 3 metrics`, `A` when it is the only one."""
    if total == 1:
        return f"{labels[0]}, the only metric"
    if len(labels) == total:
        return f"both metrics ({listed(labels)})" if total == 2 else f"all {total} metrics"
    return f"{len(labels)} of {total} metrics ({listed(labels)})"


def _labels(pairs: Sequence[Pair], word: str) -> list[str]:
    return [pair.spec.label for pair in pairs if pair.difference.verdict == word]


def _aside(pairs: Sequence[Pair]) -> str:
    """What else there is to say: differences that are neither better nor worse, and what was not compared."""
    differs = [
        f"{pair.spec.label} is {'higher' if pair.difference.difference > 0 else 'lower'}"
        for pair in pairs
        if pair.difference.verdict == "differs"
    ]
    untested = [pair.spec.label for pair in pairs if pair.difference.untested]
    parts = [f" {listed(differs)}, which is neither."] if differs else []
    return "".join(parts + ([f" Not compared: {listed(untested)}."] if untested else []))
