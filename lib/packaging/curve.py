"""A run's loss as numbers and as a small picture (SVG), with nothing but text."""

from __future__ import annotations

import math
from typing import Any

WIDTH, HEIGHT, EDGE = 640, 240, 48
POINTS = 12
"""Steps in the table of a card."""

Points = list[tuple[int, float]]


def points(metrics: list[dict[str, Any]], key: str) -> Points:
    """(step, value) of every line that has the value."""
    return [(int(line["step"]), float(line[key])) for line in metrics if isinstance(line.get(key), (int, float))]


def thinned(found: Points, most: int = POINTS) -> Points:
    """At most so many, evenly spread, the first and last among them."""
    if len(found) <= most:
        return found
    return [found[round(index * (len(found) - 1) / (most - 1))] for index in range(most)]


def svg(loss: Points, held_out: Points) -> str:
    """Training loss as a line, held-out loss as dots joined by a broken line; empty when there is nothing to draw."""
    shown = [(step, value) for step, value in [*loss, *held_out] if math.isfinite(value)]
    if len(shown) < 2:
        return ""
    last, low, high = max(step for step, _ in shown), min(v for _, v in shown), max(v for _, v in shown)
    high = high if high > low else low + 1.0

    def place(point: tuple[int, float]) -> str:
        across = EDGE + (WIDTH - 2 * EDGE) * point[0] / max(last, 1)
        down = EDGE / 2 + (HEIGHT - 1.5 * EDGE) * (high - point[1]) / (high - low)
        return f"{across:.1f},{down:.1f}"

    line = " ".join(place(point) for point in loss if math.isfinite(point[1]))
    dots = [place(point) for point in held_out if math.isfinite(point[1])]
    circles = "".join('<circle cx="{}" cy="{}" r="4" fill="#d97706"/>'.format(*dot.split(",")) for dot in dots)
    bottom = HEIGHT - EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        f'<path d="M{EDGE},{EDGE / 2} V{bottom} H{WIDTH - EDGE}" fill="none" stroke="#9ca3af"/>'
        f'<text x="{EDGE - 6}" y="{EDGE / 2 + 4}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{EDGE - 6}" y="{bottom}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{WIDTH - EDGE}" y="{bottom + 16}" text-anchor="end">step {last:,}</text>'
        f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="1.5"/>'
        f'<polyline points="{" ".join(dots)}" fill="none" stroke="#d97706" stroke-dasharray="4 3"/>{circles}'
        f'<text x="{EDGE}" y="{bottom + 32}" fill="#2563eb">training loss</text>'
        f'<text x="{EDGE + 110}" y="{bottom + 32}" fill="#d97706">held-out loss</text>'
        "</svg>\n"
    )
