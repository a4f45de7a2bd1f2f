"""Charts as plain ECharts specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

Line = Mapping[str, Any]
MOST_POINTS = 2_000  # of a curve: more than there are pixels
SMOOTHINGS = {"none": 0.0, "some": 0.6, "much": 0.9}
SPARKS = "▁▂▃▄▅▆▇█"


def loss_chart(
    curves: Mapping[str, Sequence[Line]], key: str, *, log: bool = False, smooth: float = 0.0, total: int | None = None
) -> None:
    """Loss by step in nats a token, of one run or several: training as a line, held-out rows dashed with diamonds.

    Args:
        curves: name -> lines of its `metrics.jsonl`.
        smooth: share of the past in each point of the training loss, 0 to below 1.
        total: steps that there will be; the axis is as long.
    """
    series, several = [], len(curves) > 1
    for number, (name, lines) in enumerate(curves.items()):
        trained = smoothed(points(lines, "loss"), smooth)
        series.append(_line(f"{name} training" if several else "training", trained, number if several else 0))
        held_out = points(lines, "eval_loss")
        label = f"{name} held-out" if several else "held-out rows"
        series.append({**_line(label, held_out, number if several else 1), **_HELD_OUT})
    spec = {
        **_frame("loss", total, log),
        "legend": {"top": 0, "type": "scroll", "data": [one["name"] for one in series]},
        "series": series,
    }
    st.echarts_chart(spec, height=320 if several else 300, key=key, alt=_told(curves))


def figure_chart(lines: Sequence[Line], figure: str, label: str, key: str, total: int | None = None) -> None:
    """One figure by step: learning rate, gradient norm, tokens a second, memory."""
    found = points(lines, figure)
    spec = {**_frame(label, total, False), "series": [_line(label, found, 0)]}
    st.echarts_chart(spec, height=180, key=key, alt=f"{label} by step; last {found[-1][1] if found else 'not yet'}.")


def smoothing(key: str, default: str) -> float:
    """How much of the past is in each point of the training loss, as a person chooses it."""
    chosen = st.segmented_control(
        "Smoothing",
        SMOOTHINGS,
        default=default,
        required=True,
        key=key,
        help="Averages the training loss over steps; held-out rows stay as they are.",
    )
    return SMOOTHINGS[chosen or default]


def points(lines: Sequence[Line], figure: str) -> list[list[float]]:
    """[step, value] of the lines that have the figure, thinned to what a screen can show; first and last stay."""
    found = [[line["step"], float(f"{line[figure]:.5g}")] for line in lines if line.get(figure) is not None]
    every = -(-len(found) // MOST_POINTS) or 1
    return found[:-1:every] + found[-1:]


def smoothed(found: list[list[float]], share: float) -> list[list[float]]:
    """An exponential average; the start is not pulled towards zero."""
    average, weight, result = 0.0, 0.0, []
    for step, value in found:
        average, weight = share * average + (1 - share) * value, share * weight + (1 - share)
        result.append([step, float(f"{average / weight:.5g}")])
    return result


def spark(values: Sequence[float], width: int = 12) -> str:
    """A curve in a word: `█▅▃▂▁`."""
    if not values:
        return ""
    width = min(width, len(values))
    chosen = [values[round(index * (len(values) - 1) / max(width - 1, 1))] for index in range(width)]
    low, high = min(chosen), max(chosen)
    scale = (len(SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(SPARKS[round((value - low) * scale)] for value in chosen)


_COLOURS = ["#2f7d6b", "#c77700", "#4b6cb7", "#b3446c", "#6b8e23", "#7a5ea8", "#00838f", "#8d6e63"]
_HELD_OUT = {"symbol": "diamond", "symbolSize": 11, "showSymbol": True}


def _line(name: str, found: list[list[float]], number: int) -> dict[str, Any]:
    colour = _COLOURS[number % len(_COLOURS)]
    dashed = "held-out" in name
    return {
        "name": name,
        "type": "line",
        "data": found,
        "showSymbol": len(found) < 3,
        "symbolSize": 5,
        "itemStyle": {"color": colour},
        "lineStyle": {"color": colour, "type": "dashed" if dashed else "solid"},
    }


def _frame(label: str, total: int | None, log: bool) -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 56, "right": 16, "top": 32, "bottom": 40},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "value", "name": "step", "nameLocation": "middle", "nameGap": 26, "min": 0, "max": total},
        "yAxis": {"type": "log" if log else "value", "scale": True, "name": label},
    }


def _told(curves: Mapping[str, Sequence[Line]]) -> str:
    ends = []
    for name, lines in curves.items():
        found = points(lines, "loss")
        last = f"{found[-1][1]:.2f} at step {found[-1][0]:.0f}" if found else "no step yet"
        ends.append(f"{name}: training loss {last}")
    return f"Loss by training step. {'; '.join(ends)}."
