"""What a run says of itself as it goes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lib.training.config import TrainConfig
from tests.helpers import FakeJob


@pytest.mark.parametrize(
    ("step", "evaluated_at", "seconds"),
    [
        (10, 0, 30 * 2 + 2 * 15),
        (20, 0, 20 * 2 + 2 * 15),  # the measurement of this very step comes now
        (20, 20, 20 * 2 + 15),
        (40, 20, 15),
        (40, 40, 0),
    ],
)
def test_the_time_left_counts_the_measurements_that_are_still_to_come(tmp_path, step, evaluated_at, seconds):
    from lib.training.trainer.recorder import Recorder

    recorder = Recorder(tmp_path / "metrics.jsonl", FakeJob(), TrainConfig())
    state = SimpleNamespace(global_step=step, max_steps=40, eval_steps=20)
    assert recorder._left(state) is None, "no step was taken"
    recorder._steps.append(2.0)
    recorder.measuring_seconds, recorder.evaluated_at = 15.0, evaluated_at
    assert recorder._left(state) == seconds


def test_a_measurement_says_that_it_goes_on(tmp_path):
    from lib.training.trainer.recorder import Recorder

    job = FakeJob()
    recorder = Recorder(tmp_path / "metrics.jsonl", job, TrainConfig())
    recorder.start()
    state = SimpleNamespace(global_step=3, max_steps=40, eval_steps=20)
    recorder.on_step_begin(None, state, None)
    recorder.on_log(None, state, None, {"loss": 1.5})
    assert job.said[-1]["text"] == "training" and job.said[-1]["seconds_left"] >= 0
    recorder.on_prediction_step(None, state, None)
    assert job.said[-1]["text"] == "measuring the held-out loss" and job.said[-1]["done"] == 3
