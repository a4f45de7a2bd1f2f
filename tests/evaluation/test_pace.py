"""About how long a comparison will take, before there is one and after."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lib.database import Comparison, session
from lib.errors import NotFound
from lib.evaluation import pace
from lib.evaluation.comparing.config import CompareConfig
from lib.storage import comparison_dir, read_json, write_json
from lib.training.config import TrainConfig
from tests.evaluation import stored

SHORT = CompareConfig(max_new_tokens=48)


@pytest.fixture
def trained(monkeypatch):
    """A run that took 10 steps of 8 rows, 50 tokens each, at 100 tokens a second."""
    summary = {"tokens_per_second": 100.0, "tokens": 4000, "steps": 10}
    view = SimpleNamespace(summary=summary, config=TrainConfig(per_device_train_batch_size=8))

    def get(run):
        if run != "gentle-otter":
            raise NotFound(f"There is no run {run}.")
        return view

    monkeypatch.setattr(pace.runs, "get", get)
    return summary


def store(seconds: float, model: str = "starter", **config) -> int:
    number = stored.comparison({"starter": ["a"] * 30, "gentle-otter": ["b"] * 30})
    sides = [
        {"name": name, "model": model, "run": None, "quantization": "none", "template": "llama2"}
        for name in ("starter", "gentle-otter")
    ]
    with session() as opened:
        opened.get(Comparison, number).config = {"sides": sides, **config}
    file = comparison_dir(number) / "result.json"
    write_json(file, {**read_json(file), "seconds": seconds, "asked": 30})
    return number


def test_before_the_first_it_goes_by_the_training(home, trained):
    found = pace.about({"starter"}, 60, CompareConfig(), "gentle-otter")
    each = 50 / pace.READING + 96
    assert found.seconds == pytest.approx(pace.READY_SECONDS + 60 * each / 100)
    assert "gentle-otter" in found.source


def test_nothing_is_said_where_nothing_is_known(home, trained):
    assert pace.about({"starter"}, 60, CompareConfig(), "no-such-run") is None
    trained.clear()
    assert pace.about({"starter"}, 60, CompareConfig(), "gentle-otter") is None


def test_one_of_the_same_models_tells_more(home, trained):
    store(1000.0, model="other")
    number = store(pace.READY_SECONDS + 60.0)
    found = pace.about({"starter"}, 60, CompareConfig(), "gentle-otter")
    assert found.seconds == pytest.approx(pace.READY_SECONDS + 60.0) and f"comparison {number}" in found.source
    assert pace.about({"starter"}, 120, SHORT).seconds == pytest.approx(found.seconds)
    assert pace.about({"starter"}, 60, CompareConfig(temperature=1.0, repeats=3)).seconds == pytest.approx(
        pace.READY_SECONDS + 180.0
    )
