"""The chart of differences: names and figures stand where no window cuts them."""

from __future__ import annotations

import pytest

from lib.evaluation.metrics import METRICS
from studio.components.comparing.forest import _spec, _told, marks_of

FOUND = {"difference": -4.1, "low": -5.0, "high": -3.2, "verdict": "tuned better"}


@pytest.mark.parametrize(
    ("metric", "figures", "direction"),
    [("perplexity", "-4.10 [-5.00, -3.20] ↓", "lower is better"), ("chrf", "-4.1 [-5.0, -3.2] ↑", "higher is better")],
)
def test_name_side_and_figures_are_written_beside_the_marks(metric: str, figures: str, direction: str) -> None:
    marks = marks_of(("its label", "a side"), METRICS[metric], FOUND)
    spec = _spec(marks)
    assert spec["yAxis"]["data"] == [f"its label\na side\n{figures}"]
    assert not any("label" in point for point in spec["series"][-1]["data"])  # a narrow window would cut it
    assert _told(marks[0]) == f"its label · a side {figures[:-2]}, {direction}: better"
