"""Figures of a comparison as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.metrics import MetricSpec, shown
from lib.evaluation.statistics.words import number as precise
from lib.evaluation.statistics.words import p_figure
from studio.components.badges import Colour

DIRECTIONS = {True: "higher is better", False: "lower is better", None: "neither way is better"}
ARROWS = {True: "↑", False: "↓", None: ""}
VERDICTS: dict[str, tuple[str, Colour, str]] = {
    "tuned better": ("▲ better", "green", ":material/trending_up:"),
    "tuned worse": ("▼ worse", "red", ":material/trending_down:"),
    "better": ("▲ better", "green", ":material/trending_up:"),
    "worse": ("▼ worse", "red", ":material/trending_down:"),
    "in part": ("◆ better in part", "blue", ":material/trending_up:"),
    "yes and no": ("◆ yes and no", "orange", ":material/swap_vert:"),
    "no evidence": ("● no evidence", "gray", ":material/drag_handle:"),
    "differs": ("◆ differs", "blue", ":material/swap_vert:"),
    "mixed": ("◆ mixed", "orange", ":material/swap_vert:"),
    "too few rows": ("● too few rows", "gray", ":material/help:"),
    "not tested": ("● not tested", "gray", ":material/help:"),
}
"""Verdict -> words with a symbol, colour and icon: colour alone never carries it."""


def figure(spec: MetricSpec, value: float | None, signed: bool = False) -> str:
    """A figure with the metric's decimals; `–` where there is none."""
    return "–" if value is None else precise(spec, value, signed)


def with_interval(spec: MetricSpec, found: Mapping[str, Any], key: str = "mean", signed: bool = False) -> str:
    """`21.0 [19.2, 23.1]`."""
    if found.get(key) is None:
        return "–"
    middle = figure(spec, found[key], signed)
    low, high = found.get("low"), found.get("high")
    if low is None or high is None:
        return middle
    return f"{middle} [{figure(spec, low, signed)}, {figure(spec, high, signed)}]"


def row_value(spec: MetricSpec, value: float | None) -> str:
    """One row's value as a person reads it."""
    return "–" if value is None else figure(spec, shown(spec, value))


def p_value(found: Mapping[str, Any]) -> str:
    """p as it is shown; `–` where there is none."""
    value = shown_p(found)
    return "–" if value is None else p_figure(value)


def shown_p(found: Mapping[str, Any]) -> float | None:
    """p, corrected where it was; None where nothing was tested."""
    value = found.get("p") if found.get("p_holm") is None else found["p_holm"]
    return None if found.get("untested") else value


def outcomes(found: Mapping[str, Any]) -> str:
    """Rows where tuned is better, the same, worse."""
    return f"{found['wins']:,} / {found['ties']:,} / {found['losses']:,}"


def verdict(found: Mapping[str, Any]) -> str:
    """`▲ better`."""
    if found.get("untested"):
        return "● not compared"
    known = str(found.get("verdict", ""))
    return VERDICTS.get(known, (known, "gray", ""))[0]


def better_by(spec: MetricSpec, before: float | None, after: float | None) -> int:
    """1 where `after` is the better value of a row, -1 where it is the worse, 0 for a tie or where it is not known."""
    if before is None or after is None or abs(after - before) <= 1e-9:
        return 0
    way = 1 if after > before else -1
    return -way if spec.higher_is_better is False else way


def limits(spec: MetricSpec) -> str:
    """`0 to 100`, `from 0`."""
    low, high = spec.range
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"


def introduced(view: ComparisonView, side: str) -> str:
    """`the tuned model (gentle-otter)` where a run is the only one measured against a base, else the name alone."""
    runs = [one.name for one in view.who if one.run]
    return f"the tuned model ({side})" if runs == [side] and side != view.sides[0] else side


def named(sentence: str, tuned: str, base: str) -> str:
    """A verdict in words with the names of the two, for where there are more than two."""
    for general, names in (
        ("Tuned is", f"{tuned} is"),
        ("tuned is", f"{tuned} is"),
        ("tuned and base", f"{tuned} and {base}"),
        ("base and tuned", f"{base} and {tuned}"),
    ):
        if general in sentence:
            return sentence.replace(general, names, 1)
    return f"{tuned}: {sentence}"
