"""A chart of differences with their 95 % intervals: right of the line is better, left of it worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from lib.evaluation.metrics import MetricSpec
from lib.evaluation.report.figures import WORDS
from studio.components.comparing.words import ARROWS, DIRECTIONS, with_interval

FARTHEST = 6.0
"""Half widths of its interval from zero at which a point is drawn at most: one far off must not flatten the rest."""
LINE = 15
"""Pixels that a line of writing takes."""
LOWER = "; where lower is better (↓), minus stands on the right"
LOOKS = {
    "tuned better": ("#2f9e6e", "triangle", 0),
    "tuned worse": ("#d1495b", "triangle", 180),
    "no evidence": ("#8a8f98", "circle", 0),
    "differs": ("#4b6cb7", "diamond", 0),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One difference, tuned less base, in the unit of its metric. `lines` name it, one under the other; `told`: the
    figures, as they are written."""

    lines: tuple[str, ...]
    spec: MetricSpec
    difference: float
    low: float | None
    high: float | None
    verdict: str
    told: str


def marks_of(lines: tuple[str, ...], spec: MetricSpec, found: Any) -> list[Mark]:
    """The mark of a difference; none where nothing was compared."""
    if found.get("difference") is None:
        return []
    told = with_interval(spec, found, "difference", signed=True)
    verdict = str(found.get("verdict", ""))
    return [Mark(lines, spec, found["difference"], found.get("low"), found.get("high"), verdict, told)]


def show_forest(marks: Sequence[Mark], key: str, who: str = "tuned") -> None:
    """Draw them, first on top. Each is measured in half widths of its own interval, as metrics have different units:
    an interval that does not touch the line is evidence, whatever the unit."""
    if not marks:
        return
    height = 60 + LINE * sum(len(mark.lines) + 2 for mark in marks)
    told = "; ".join(map(_told, marks))
    st.echarts_chart(_spec(marks), height=height, key=key, alt=f"Differences with 95 % intervals: {told}.")
    lower = any(mark.spec.higher_is_better is False for mark in marks)
    st.caption(
        f"Right of the line {who} is better, left of it worse{LOWER if lower else ''}. Metrics have different units: "
        "each is drawn in widths of its own interval, so lengths say nothing. ▲ better · ▼ worse · ● no evidence · "
        "◆ differs, where neither way is better."
    )


def _told(mark: Mark) -> str:
    direction = DIRECTIONS[mark.spec.higher_is_better]
    return f"{' · '.join(mark.lines)} {mark.told}, {direction}: {WORDS.get(mark.verdict, mark.verdict)}"


def _written(mark: Mark) -> str:
    """Its name with the figures below: beside the marks they would be cut where the window is narrow."""
    arrow = ARROWS[mark.spec.higher_is_better]
    return "\n".join([*mark.lines, f"{mark.told} {arrow}".rstrip()])


def _spec(marks: Sequence[Mark]) -> dict[str, Any]:
    rows = list(reversed(marks))
    ends = [part for mark in rows for part in _place(mark)]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 24, "bottom": 8, "containLabel": True},
        "xAxis": {
            "type": "value",
            "min": min(-1.0, *ends) - 0.4,
            "max": max(1.0, *ends) + 0.4,
            "axisLabel": {"show": False},
            "splitLine": {"show": False},
            "axisTick": {"show": False},
        },
        "yAxis": {
            "type": "category",
            "data": [_written(mark) for mark in rows],
            "axisTick": {"show": False},
            "axisLabel": {"width": 180, "overflow": "truncate", "fontSize": 11, "lineHeight": LINE},
        },
        "series": [*(_interval(mark, row) for row, mark in enumerate(rows)), _points(rows)],
    }


def _place(mark: Mark) -> tuple[float, float, float]:
    """Low, middle and high on the axis; better is right."""
    half = 0.0 if mark.low is None or mark.high is None else (mark.high - mark.low) / 2
    unit = half or abs(mark.difference) or 1.0
    turn = -1.0 if mark.spec.higher_is_better is False else 1.0
    middle = max(-FARTHEST, min(FARTHEST, turn * mark.difference / unit))
    if not half or mark.low is None or mark.high is None:
        return middle, middle, middle
    below, above = (mark.difference - mark.low) / unit, (mark.high - mark.difference) / unit
    return (middle - above, middle, middle + below) if turn < 0 else (middle - below, middle, middle + above)


def _interval(mark: Mark, row: int) -> dict[str, Any]:
    low, _, high = _place(mark)
    colour = LOOKS.get(mark.verdict, LOOKS["no evidence"])[0]
    return {
        "type": "line",
        "data": [[low, row], [high, row]],
        "symbol": "rect",
        "symbolSize": [2, 12],
        "silent": True,
        "lineStyle": {"width": 2, "color": colour},
        "itemStyle": {"color": colour},
    }


def _points(rows: Sequence[Mark]) -> dict[str, Any]:
    data = []
    for row, mark in enumerate(rows):
        colour, symbol, turn = LOOKS.get(mark.verdict, LOOKS["no evidence"])
        data.append(
            {
                "value": [_place(mark)[1], row],
                "symbol": symbol,
                "symbolRotate": turn,
                "itemStyle": {"color": colour},
            }
        )
    zero = {
        "data": [{"xAxis": 0}],
        "symbol": "none",
        "silent": True,
        "label": {
            "show": True,
            "position": "end",
            "formatter": "← worse    better →",
            "fontSize": 11,
            "textBorderWidth": 0,
        },
        "lineStyle": {"type": "solid", "width": 1, "color": "#8a8f98"},
    }
    return {"type": "scatter", "data": data, "symbolSize": 12, "silent": True, "markLine": zero}
