"""kill -9 of trainer, worker and web server at random moments of a real run: nothing is lost, nothing is done twice.

Prints the seed of its moments; set KILL_SEED to have the same ones again.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import time
import urllib.request
from collections import Counter

import psutil
import pytest

from lib.jobs import queue, worker
from lib.training import checkpoints, runs
from tests.helpers import FakeJob, python, wait_until

KILLS = {"trainer": 8, "worker": 8, "web": 4}
LONGEST = {"trainer": 3.0, "worker": 1.0, "web": 1.0}  # seconds to wait at most before a kill
AT_WORK = 0.75  # share of the trainer's kills that come when it has taken a step, within so many seconds:
AT_WORK_SECONDS = 0.7
SETTINGS = {"max_steps": 160, "save_steps": 6, "eval_steps": 25, "lora_dropout": 0.1, "sample_tokens": 4}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Studio:
    """Worker and web server, started again when they are gone, as the supervisor does."""

    def __init__(self, home):
        self.home, self.started = home, []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.commands = {
            "worker": ("-m", "lib.jobs.worker"),
            "web": ("-m", "studio.web", "127.0.0.1", str(self.port)),
        }
        self.processes = {name: self.start(name) for name in self.commands}

    def start(self, name):
        with (self.home / f"{name}.log").open("a") as log:
            process = python(*self.commands[name], stdout=log, stderr=log, start_new_session=True)
        self.started.append(process)
        return process

    def kill(self, name):
        self.processes[name].kill()
        self.processes[name].wait()
        self.processes[name] = self.start(name)

    def answers(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=5).status == 200


@pytest.fixture
def studio(tiny_home, no_process_left):
    running = Studio(tiny_home)
    yield running
    for process in running.started:
        process.kill()
        process.wait()


def trainers(home):
    """Pids of the live processes that run a job of this home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if "lib.jobs.run" in command and process.environ().get("STUDIO_HOME") == str(home):
                found += [process.pid] if process.status() != psutil.STATUS_ZOMBIE else []
    return found


def at_work(run, pid):
    """Whether the run's process has taken a step: it has written a line after those of the newest checkpoint."""
    written, kept = run.folder / "metrics.jsonl", checkpoints.newest(run.folder)
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
        mine = written.stat().st_mtime > psutil.Process(pid).create_time()
        return mine and written.stat().st_size > (kept.place.metrics if kept else 0) and losses(run)


def kill_trainer(run, home, chance):
    """Kill the run's process at its work or before, and take the run up again. Returns what it was at."""
    job = runs.get(run.id).job
    (pid,) = wait_until(lambda: trainers(home), "the trainer starts")
    if chance.random() < AT_WORK:
        wait_until(lambda: at_work(run, pid) or not psutil.pid_exists(pid), "the trainer takes a step")
        time.sleep(chance.uniform(0, AT_WORK_SECONDS))
    lines = runs.metrics(run.id)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)
    # A job whose process never said that it began is started again without a word.
    wait_until(lambda: not queue.get(job.id).live or set(trainers(home)) - {pid}, "it is found dead")
    if queue.get(job.id).status == "interrupted":
        runs.resume(run.id, "tester")
    kept = checkpoints.newest(run.folder)
    return f"after line {len(lines)}; {queue.get(job.id).status}, goes on from step {kept.step if kept else 0}"


def losses(run):
    return [(line["step"], line["loss"]) for line in runs.metrics(run.id) if "loss" in line]


@pytest.mark.skipif(sys.platform != "linux", reason="finds its processes by their environment")
def test_twenty_kills(new_run, tiny_home, studio, monkeypatch):
    from lib.training import trainer

    seed = int(os.environ.get("KILL_SEED", random.randrange(10**6)))
    print(f"KILL_SEED={seed}")
    chance = random.Random(seed)
    run = new_run(**SETTINGS)
    victims = [name for name, times in KILLS.items() for _ in range(times)]
    chance.shuffle(victims)
    began = time.monotonic()
    for victim in victims:
        time.sleep(chance.uniform(0, LONGEST[victim]))
        said = kill_trainer(run, tiny_home, chance) if victim == "trainer" else studio.kill(victim)
        print(f"{time.monotonic() - began:5.1f} s  {victim} {said or ''}")
        assert len(trainers(tiny_home)) <= 1
        assert len(runs.list_runs()) == 1
    wait_until(lambda: not runs.get(run.id).job.live, "the run ends", 120)
    print(f"{time.monotonic() - began:5.1f} s  finished")

    view = runs.get(run.id)
    assert view.status == "finished", (view.job.error, runs.log_tail(run.id))
    jobs = Counter(job.status for job in (queue.get(number) for number in range(2, view.job.id + 1)))
    assert set(jobs) <= {"finished", "interrupted"} and jobs["finished"] == 1
    assert trainers(tiny_home) == [] and wait_until(studio.answers, "the web server answers") and worker.alive()

    whole = new_run(**SETTINGS)
    queue.stop(whole.job.id)  # nobody else is to train it
    expected = trainer.run_job({"run": whole.id}, FakeJob())
    assert [step for step, _ in losses(run)] == list(range(1, SETTINGS["max_steps"] + 1)), "each step once"
    assert losses(run) == [(step, pytest.approx(loss, rel=1e-5)) for step, loss in losses(whole)]
    assert view.summary["eval_loss"] == pytest.approx(expected["eval_loss"], rel=1e-5)
    assert view.summary["tokens"] == expected["tokens"]
    assert [checkpoint.step for checkpoint in checkpoints.whole(run.folder)] == [SETTINGS["max_steps"]]
    assert sorted(path.name for path in checkpoints.folder_of(run.folder).iterdir()) == ["checkpoint-160"]
