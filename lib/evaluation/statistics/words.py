"""Verdicts in words."""

from __future__ import annotations

from collections.abc import Sequence

from lib.evaluation.metrics import MetricSpec, resolve
from lib.evaluation.statistics.records import FEWEST_ROWS, Difference
from lib.words import counted

SMALLEST_P = 0.001  # that is told


def sentence(metric: str | MetricSpec, found: Difference) -> str:
    """The verdict in words, such as "chrF: tuned is better by 17.5 [14.0, 21.1] (p < 0.001, 60 rows)."

    "better by" and "worse by" give sizes; without a verdict the difference keeps its sign, tuned less base.
    """
    spec = resolve(metric)
    rows = counted(found.n, "row")
    if found.untested:
        return f"{spec.label}: not compared: {found.untested}."
    if found.n < FEWEST_ROWS:
        verb = "is" if found.n == 1 else "are"
        return f"{spec.label}: no evidence: {rows} {verb} too few to tell ({FEWEST_ROWS} at least)."
    if not found.wins + found.losses and found.p == 1:
        return f"{spec.label}: no evidence of a difference: base and tuned score the same on all {rows}."
    basis = f"{_p_words(found)}, {rows}"
    if found.verdict == "no evidence":
        limit = found.detectable
        shows = f"; one of {number(spec, limit)} would most likely show" if limit else ""
        return f"{spec.label}: no evidence of a difference: {_figures(spec, found, signed=True)} ({basis}{shows})."
    way = {"tuned better": "better", "tuned worse": "worse"}.get(found.verdict)
    if way is None:
        way = "higher" if found.difference > 0 else "lower"
        basis += "; neither is better"
    return f"{spec.label}: tuned is {way} by {_figures(spec, found, signed=False)} ({basis})."


def listed(words: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def p_text(p: float) -> str:
    """`p = 0.020`."""
    return f"p {p_figure(p)}" if p < SMALLEST_P else f"p = {p_figure(p)}"


def p_figure(p: float) -> str:
    """`0.020`; of very small ones only that they are."""
    return f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}"


def number(spec: MetricSpec, value: float, signed: bool = False) -> str:
    """`value` with the metric's decimals, or with two significant digits where those would make it 0."""
    sign = "+" if signed else ""
    text = f"{value:{sign}.{spec.digits}f}"
    return f"{value:{sign}.2g}" if value and not float(text) else text


def _p_words(found: Difference) -> str:
    if found.p_holm is None or found.p_holm == found.p:
        return p_text(found.p)
    return f"{p_text(found.p_holm)} after correction"


def _figures(spec: MetricSpec, found: Difference, signed: bool) -> str:
    """Difference and interval: "+0.4 [-1.2, +2.0]" with signs, "17.5 [14.0, 21.1]" as a size."""
    turn = -1.0 if not signed and found.difference < 0 else 1.0
    middle = number(spec, turn * found.difference, signed)
    if found.low is None or found.high is None:
        return middle
    low, high = sorted((turn * found.low, turn * found.high))
    return f"{middle} [{number(spec, low, signed)}, {number(spec, high, signed)}]"
