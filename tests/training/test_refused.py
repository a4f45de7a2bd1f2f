"""What a plan speaks against is not started, whoever asks for it; a run that has failed says what would help."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import psutil
import pytest

from lib.data import datasets
from lib.database import Job, session
from lib.errors import CannotStart
from lib.jobs import memory, queue, worker
from lib.training import runs
from lib.training.config import TrainConfig
from lib.training.plan import plan, turns
from studio.commands import train as commands
from tests import tiny
from tests.commands.conftest import command
from tests.training.plan.conftest import cpu, gpu, seven, store

__all__ = ["command", "seven", "store"]  # fixtures
LONG = [{"instruction": f"Say {n}.", "output": "so " * 250} for n in range(40)]


@pytest.fixture
def on(monkeypatch):
    """Plan for this device, and start no worker."""
    monkeypatch.setattr(worker, "ensure", lambda: None)
    return lambda device: monkeypatch.setattr(turns, "default_device", lambda: device)


def test_what_cannot_fit_is_refused_with_the_nearest_change_that_can(seven, store, on, command):
    on(gpu(8))
    store(LONG)
    refused = command("train", "sums", "--model", seven, "--set", "max_length=1024", "--json")
    assert refused.code == 1
    document = refused.json()
    assert document["error"] == "CannotStart" and document["faults"].keys() == {"memory"}
    assert document["suggest"]["quantization"] == "nf4"
    assert not runs.list_runs() and not queue.live_jobs()
    hint = document["hint"].removeprefix("This fits: python -m studio ")
    assert "quantization=nf4" in hint and document["hint"] in refused.err
    started = command(*hint.split(), "--detach", "--json")
    assert started.code == 0, started.err
    assert runs.get(started.json()["run"]).config.quantization == "nf4"


def test_where_nothing_fits_that_is_said(seven, store, on):
    on(cpu(1))
    with pytest.raises(CannotStart, match="Nothing that can be changed here makes it fit") as caught:
        runs.create(store(LONG).ref, seven, "llama2", TrainConfig(), "ann")
    assert caught.value.suggest == {} and not runs.list_runs()


def test_a_run_is_not_started_anew_with_settings_that_cannot_fit(seven, store, on):
    on(gpu(80))
    view = runs.create(store(LONG).ref, seven, "llama2", TrainConfig(quantization="nf4", max_length=1024), "ann")
    on(gpu(8))
    with pytest.raises(CannotStart):
        runs.retry(view.id, "ann", {"quantization": "none"})


def test_other_faults_of_the_plan_are_refused_too(tiny_home, store):
    with pytest.raises(CannotStart, match="no layers named nose_proj") as caught:
        runs.create(store().ref, "tiny", "llama2", TrainConfig(**tiny.SETTINGS, target_modules="nose_proj"), "ann")
    assert caught.value.faults.keys() == {"target_modules"}


@pytest.fixture
def running(home):
    """A job of the compute lane that runs, in this process."""
    job_id = queue.submit("train", {"run": "none"}, "ann")
    with session() as opened:
        job = opened.get(Job, job_id)
        job.status, job.pid, job.host = "running", os.getpid(), queue.HOST
        job.pid_started = psutil.Process().create_time()
        job.heartbeat_at = time.time()
    return job_id


def test_a_run_that_waits_counts_with_what_the_running_one_gives_back(running, seven, store, on):
    device = replace(gpu(80), free=2 * 2**30)
    on(device)
    assert turns.device_at_its_turn().free == device.memory
    found = plan(datasets.get(store(LONG).ref), seven, "llama2", TrainConfig(quantization="nf4", max_length=1024))
    assert found.can_start, "it would wait for its turn, not be refused"


def test_on_a_cpu_that_is_what_the_running_process_holds(running, on):
    device = replace(cpu(16), free=2**30)
    on(device)
    assert 2**30 < turns.device_at_its_turn().free <= 2**30 + psutil.Process().memory_info().rss
    with session() as opened:
        opened.get(Job, running).status = "stopped"
    assert turns.device_at_its_turn() == device


def test_a_failed_run_says_the_same_whoever_asks(tiny_home, store, on, command, monkeypatch):
    view = runs.create(store().ref, "tiny", "llama2", TrainConfig(**tiny.SETTINGS), "ann")
    error = memory.named("The system ended the process")
    with session() as opened:
        job = opened.get(Job, view.job.id)
        job.status, job.error = "failed", error
    monkeypatch.setattr(commands.store, "create", lambda *args: view)
    said = command("train", "sums", "--model", "tiny", "--json")
    assert said.code == 1
    document = said.json()
    assert (document["run"], document["error"]) == (view.id, error["error"])
    assert document["suggest"] == command("run", view.id, "--json").json()["error"]["suggest"]
    for key, value in document["suggest"].items():
        assert f"{key}={value}" in command("run", view.id).out
