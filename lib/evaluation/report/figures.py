"""Figures of a comparison as rows of a table, each difference with its place on a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.metrics import MetricSpec
from lib.evaluation.statistics import SliceDifference
from lib.evaluation.statistics.words import number, p_text

SIGNS = {"tuned better": "▲", "tuned worse": "▼", "no evidence": "○", "differs": "◆"}
CLASSES = {"tuned better": "better", "tuned worse": "worse", "no evidence": "open", "differs": "differs"}
WORDS = {"tuned better": "better", "tuned worse": "worse", "no evidence": "no evidence", "differs": "differs"}
NOTHING = "–"
_MARGIN = 46.0  # percent of the chart's width on each side of zero


@dataclass(frozen=True, slots=True)
class Place:
    """Where a difference stands on a chart, in percent of its width; zero is at 50."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One difference, in words that are ready to be shown."""

    label: str
    help: str
    n: int
    base: str
    tuned: str
    difference: str
    p: str
    counts: str
    detectable: str
    verdict: str
    sign: str
    kind: str
    sentence: str
    found: tuple[float | None, float | None, float | None]
    """Difference, low and high as numbers."""
    place: Place | None = None


def block(view: ComparisonView, tuned: str) -> dict[str, Any]:
    """Verdict and figures of one tuned side against the base."""
    verdict = view.result.get("verdicts", {}).get(tuned, {})
    return {
        "tuned": tuned,
        "verdict": verdict.get("sentence", ""),
        "sign": SIGNS.get(verdict.get("verdict", ""), "○"),
        "kind": CLASSES.get(verdict.get("verdict", ""), "open"),
        "rows": [placed([row])[0] for row in _rows(view, view.result, tuned)],
    }


def leaky(view: ComparisonView, tuned: str) -> dict[str, Any]:
    """Each metric without the rows that leaked, and with them."""
    without, with_all = (_rows(view, found, tuned) for found in (view.result, view.result["with_leaks"]))
    verdict = view.result["with_leaks"].get("verdicts", {}).get(tuned, {})
    return {"tuned": tuned, "rows": list(zip(without, with_all, strict=False)), "verdict": verdict.get("sentence", "")}


def row_of_slice(spec: MetricSpec, group: SliceDifference) -> Row:
    """One group of rows."""
    found = group.difference.to_dict()
    return _row(spec, str(group.label), group.base.to_dict(), group.tuned.to_dict(), found, group.sentence)


def placed(rows: Sequence[Row]) -> list[Row]:
    """Rows of one unit with their places on a chart that they share."""
    span = max((abs(value) for row in rows for value in row.found if value is not None), default=0.0) or 1.0
    return [replace(row, place=_place(row.found, span)) for row in rows]


def value(spec: MetricSpec, found: float | None, signed: bool = False) -> str:
    """A figure with its metric's decimals."""
    return NOTHING if found is None else number(spec, found, signed)


def _rows(view: ComparisonView, found: Mapping[str, Any], tuned: str) -> list[Row]:
    base = next(iter(view.sides), "")
    rows = []
    for pair in found.get("pairs", []):
        if pair["tuned"] == tuned and (spec := view.metrics.get(pair["metric"])):
            one, other = (found["models"][side].get(spec.name, {}) for side in (base, tuned))
            rows.append(_row(spec, spec.label, one, other, pair, pair["sentence"]))
    return rows


def _row(
    spec: MetricSpec,
    label: str,
    base: Mapping[str, Any],
    tuned: Mapping[str, Any],
    found: Mapping[str, Any],
    sentence: str,
) -> Row:
    verdict = found["verdict"]
    p = found["p"] if found["p_holm"] is None else found["p_holm"]
    return Row(
        label,
        spec.help,
        found["n"],
        _figure(spec, base.get("mean"), base.get("low"), base.get("high")),
        _figure(spec, tuned.get("mean"), tuned.get("low"), tuned.get("high")),
        _figure(spec, found["difference"], found["low"], found["high"], signed=True),
        NOTHING if p is None or found.get("untested") else p_text(p),
        f"{found['wins']:,} / {found['ties']:,} / {found['losses']:,}",
        value(spec, found["detectable"]),
        "not compared" if found.get("untested") else WORDS.get(verdict, verdict),
        SIGNS.get(verdict, "○"),
        CLASSES.get(verdict, "open"),
        sentence,
        (found["difference"], found["low"], found["high"]),
    )


def _figure(spec: MetricSpec, middle: float | None, low: Any, high: Any, signed: bool = False) -> str:
    """`+17.5 [+14.0, +21.1]`."""
    if middle is None or low is None or high is None:
        return value(spec, middle, signed)
    return f"{value(spec, middle, signed)} [{value(spec, low, signed)}, {value(spec, high, signed)}]"


def _place(found: tuple[float | None, float | None, float | None], span: float) -> Place | None:
    middle, low, high = found
    if middle is None:
        return None
    at = [round(50 + _MARGIN * (one if one is not None else middle) / span, 2) for one in (middle, low, high)]
    return Place(*at)
