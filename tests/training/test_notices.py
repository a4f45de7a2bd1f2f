"""What is said of a run while it goes, from its job and the end of its metrics."""

from __future__ import annotations

import json
import time

import psutil
import pytest

from lib.database import Job, session
from lib.jobs import queue
from lib.training import runs
from lib.training.notices import TAIL_BYTES, tail
from tests.app import seeds
from tests.commands.conftest import command

__all__ = ["command"]  # a fixture
WELL = {"first": {}, "last": {"left": 8 * 2**30, "total": 16 * 2**30}}


@pytest.fixture
def running(home):
    """A run whose process is alive; `said` is its progress beside what one that goes well says."""
    seeds.samples()
    seeds.model()
    view = seeds.run("queued")
    queue.claim(psutil.Process())

    def change(lines=(), heard=0.0, machine=WELL, **said):
        beat = {"at": time.time(), "usual": 1.2}
        progress = {"done": 40, "total": 100, "text": "training", "beat": beat, "machine": machine, **said}
        with session() as opened:
            job = opened.get(Job, view.job.id)
            job.progress, job.heartbeat_at = progress, time.time() - heard
        (view.folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return runs.get(view.id)

    return change


def steps(count, lost=()):
    return [
        {"step": step, "loss": 1.0, "learning_rate": 1e-3, **({"not_finite": ["grad_norm"]} if step in lost else {})}
        for step in range(1, count + 1)
    ]


def test_of_a_run_that_goes_well_nothing_is_said(running):
    assert running(steps(40, lost=(1, 2))).warnings == ()


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"beat": {"at": time.time() - 700, "usual": 1.2}}, "stalled", "since step 40; one usually takes 1.2 s"),
        ({"heard": 200}, "silent", "for 3 min 2"),
        (
            {"warning": "The loss is rising: 4 after 2.", "suggest": {"learning_rate": 1e-4}},
            "rising",
            "rate of 1.0e-04",
        ),
        ({"lines": steps(40, lost=(7, 20, 30, 40))}, "not finite", "4 of the last 40 steps, last at step 40"),
        ({"memory": 79 * 2**30, "memory_limit": 80 * 2**30}, "memory", "79.0 GiB of the GPU's 80.0 GiB"),
        (
            {"machine": {"last": {"left": 400 * 2**20, "total": 16 * 2**30}}},
            "memory",
            "Only 400 MiB of this machine's 16.0 GiB",
        ),
    ],
    ids=["stalled", "silent", "rising", "nan", "GPU", "machine"],
)
def test_what_goes_wrong_is_named(running, change, kind, words):
    (notice,) = running(**change).warnings
    assert notice.kind == kind and words in notice.text
    assert notice.suggest == change.get("suggest", {})


def test_commands_say_it_and_an_ended_run_is_past_warning(running, command):
    view = running(heard=200, memory=79e9, memory_limit=80e9)
    assert [notice.kind for notice in view.warnings] == ["silent", "memory"], "the weightier first"
    document = command("run", view.id, "--json").json()
    assert document["warnings"] == [notice.text for notice in runs.get(view.id).warnings]
    assert "note: Its process has not been heard of" in command("run", view.id).out
    queue.end(view.job.id, "finished")
    assert runs.get(view.id).warnings == ()


def test_only_the_end_of_long_metrics_is_read(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert tail(path) == []
    lines = [json.dumps({"step": step, "loss": 1.0}) + "\n" for step in range(5_000)]
    path.write_text("".join(lines) + '{"step": 5000, "lo')
    found = tail(path)
    assert found[-1]["step"] == 4_999 and 0 < len(found) < TAIL_BYTES / 20
    assert [line["step"] for line in found] == list(range(found[0]["step"], 5_000))


def test_gradients_that_are_no_numbers_are_written_down(tmp_path):
    from types import SimpleNamespace

    from lib.training.config import TrainConfig
    from lib.training.trainer.recorder import Recorder
    from tests.helpers import FakeJob

    recorder = Recorder(tmp_path / "metrics.jsonl", FakeJob(), TrainConfig())
    recorder.start()
    for step, norm in enumerate([1.0, float("nan"), float("inf")], start=1):
        state = SimpleNamespace(global_step=step, max_steps=3)
        recorder.on_log(None, state, None, {"loss": 1.0, "grad_norm": norm})
    assert [line.get("not_finite") for line in tail(recorder.path)] == [None, ["grad_norm"], ["grad_norm"]]
