"""The chart of differences: which way is better stands with the figures."""

from __future__ import annotations

import pytest

from lib.evaluation.metrics import METRICS
from studio.components.comparing.forest import marks_of

FOUND = {"difference": -4.1, "low": -5.0, "high": -3.2, "verdict": "tuned better"}


@pytest.mark.parametrize(("metric", "said"), [("perplexity", True), ("chrf", False)])
def test_of_a_difference_is_said_when_lower_is_better(metric: str, said: bool) -> None:
    (mark,) = marks_of("its label", METRICS[metric], FOUND)
    assert mark.told.startswith("-4.10 [-5.00, -3.20]" if said else "-4.1 [-5.0, -3.2]")
    assert mark.told.endswith("lower is better") is said
