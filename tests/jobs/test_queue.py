"""The queue's own rules, with the real database and no worker."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.database import Job, Worker, session
from lib.devices import forget
from lib.errors import BadInput, NotFound, WrongState
from lib.jobs import lanes, memory, queue, worker
from tests.helpers import alive, python, wait_until

ME = psutil.Process()


def submit(kind: str = "light-test", **payload) -> int:
    return queue.submit(kind, payload, "tester")


def change(job_id: int, **values) -> None:
    with session() as opened:
        for key, value in values.items():
            setattr(opened.get(Job, job_id), key, value)


def test_a_job_is_queued_claimed_begun_and_ended(home):
    job_id = submit(do="return")
    assert queue.get(job_id).status == "queued"
    claimed = queue.claim(ME)
    assert claimed is not None and (claimed.id, claimed.status) == (job_id, "running")
    assert queue.claim(ME) is None
    assert queue.begin(job_id) is not None
    assert queue.begin(job_id) is None, "a second process must not run it"
    assert queue.process_of(job_id)[0] == os.getpid()
    assert queue.pulse(job_id, {"done": 1}) is False
    queue.end(job_id, "finished", {"answer": 42})
    queue.end(job_id, "failed", None, {"error": "late"})
    view = queue.get(job_id)
    assert (view.status, view.result, view.error, view.progress) == ("finished", {"answer": 42}, None, {"done": 1})
    assert view.seconds >= 0 and not view.live and queue.live_jobs() == []


def test_unknown_and_ended_jobs_are_named():
    with pytest.raises(NotFound, match="no job 7"):
        queue.get(7)
    job_id = submit()
    queue.stop(job_id)
    with pytest.raises(WrongState, match="stopped already"):
        queue.stop(job_id)


def test_a_queued_job_is_stopped_at_once():
    job_id = submit()
    assert queue.stop(job_id).status == "stopped"
    assert queue.claim(ME) is None


def test_a_running_job_is_asked_to_stop():
    job_id = submit()
    queue.claim(ME)
    queue.begin(job_id)
    assert queue.stop(job_id).stopping
    assert queue.pulse(job_id, {}) is True
    assert queue.overdue(60) == []
    assert queue.overdue(-1) == [job_id]


def test_one_running_job_a_lane_and_any_number_of_light_ones():
    compute = [submit("compute-test") for _ in range(2)]
    light = [submit() for _ in range(6)]
    claimed = []
    while job := queue.claim(ME):
        claimed.append(job.id)
    assert claimed == [compute[0], *light]
    queue.end(compute[0], "finished")
    following = queue.claim(ME)
    assert following is not None and following.id == compute[1]


CLAIM = """
import json, psutil
from lib.jobs import queue
me, mine = psutil.Process(), []
print("ready", flush=True)
input()
while job := queue.claim(me):
    mine.append(job.id)
print(json.dumps(mine))
"""


def test_every_job_is_claimed_once_by_four_processes(home):
    light = [submit() for _ in range(24)]
    compute = [submit("compute-test") for _ in range(3)]
    claimers = [python("-c", CLAIM, stdin=-1) for _ in range(4)]
    for claimer in claimers:
        assert claimer.stdout.readline() == "ready\n"
    for claimer in claimers:
        claimer.stdin.write("\n")
        claimer.stdin.flush()
    claimed = [job_id for claimer in claimers for job_id in json.loads(claimer.communicate(timeout=60)[0])]
    assert sorted(claimed) == sorted([*light, compute[0]])


def test_sweep_tells_the_dead_from_the_living():
    dead = python("-c", "")
    dead.wait()
    born = ME.create_time()
    jobs = {name: submit() for name in ("alive", "killed", "asked", "reused", "unborn", "late", "waiting", "elsewhere")}
    while queue.claim(ME):
        pass
    change(jobs["alive"], pid=ME.pid, pid_started=born)
    change(jobs["killed"], pid=dead.pid, pid_started=born)
    change(jobs["asked"], pid=dead.pid, pid_started=born, stop_requested_at=time.time())
    change(jobs["reused"], pid=ME.pid, pid_started=born - 1000)  # another process has that number by now
    change(jobs["unborn"], worker_pid=dead.pid, worker_started=born)
    change(jobs["late"], heartbeat_at=time.time() - 100)  # its worker lives, but could not start it
    change(jobs["elsewhere"], pid=dead.pid, host="another-machine")
    queue.sweep()
    assert {name: queue.get(job_id).status for name, job_id in jobs.items()} == {
        "alive": "running",
        "killed": "interrupted",
        "asked": "stopped",
        "reused": "interrupted",
        "unborn": "queued",
        "late": "queued",
        "waiting": "running",
        "elsewhere": "running",
    }
    error = queue.get(jobs["killed"]).error
    assert error is not None and error["error"] == "Interrupted" and error["hint"]


def test_a_live_job_outlives_a_clock_that_is_set(home):
    """Create times are counted from the boot, whose time moves with the clock."""
    job_id = submit()
    queue.claim(ME)
    process = python("-c", "import sys, time; time.sleep(600)", str(job_id))
    change(job_id, pid=process.pid, pid_started=ME.create_time() - 5000)
    queue.sweep()
    assert queue.get(job_id).status == "running"
    process.kill()
    process.wait()
    queue.sweep()
    assert queue.get(job_id).status == "interrupted"


def test_a_job_of_a_machine_that_is_not_heard_any_more_is_interrupted():
    jobs = [submit("compute-test"), submit()]
    while queue.claim(ME):
        pass
    change(jobs[0], host="gone", heartbeat_at=time.time() - 3600)
    change(jobs[1], host="busy", heartbeat_at=time.time() - 60)
    queue.sweep()
    assert [queue.get(job_id).status for job_id in jobs] == ["interrupted", "running"]
    with pytest.raises(WrongState, match="not this process's"):
        queue.pulse(jobs[0], {})


def test_what_a_dead_process_left_behind_is_ended(home):
    """A child in the session of a job's process, which was killed, must not hold memory on."""
    leader = python("-c", LEADER, start_new_session=True)
    child = int(leader.stdout.readline())
    job_id = submit()
    queue.claim(ME)
    change(job_id, pid=leader.pid, pid_started=psutil.Process(leader.pid).create_time())
    queue.sweep()
    assert queue.get(job_id).status == "running" and alive(child)
    leader.kill()
    leader.wait()
    assert alive(child)
    queue.sweep()
    assert queue.get(job_id).status == "interrupted"
    wait_until(lambda: not alive(child), "the child ends")


LEADER = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("last", "error"),
    [({"left": 1 << 20, "total": 1 << 34}, "OutOfMemory"), ({"left": 1 << 33, "total": 1 << 34}, "Interrupted")],
    ids=["short", "plenty"],
)
def test_a_process_that_was_killed_when_memory_was_short_is_said_to_have_run_out_of_it(last, error):
    dead = python("-c", "")
    dead.wait()
    job_id = submit()
    queue.claim(ME)
    kills = memory.oom_kills()
    progress = {"done": 3, "machine": {"first": {"oom_kills": kills}, "last": last | {"oom_kills": kills}}}
    change(job_id, pid=dead.pid, pid_started=ME.create_time(), progress=progress)
    queue.sweep()
    view = queue.get(job_id)
    assert view.status == "interrupted" and view.error["error"] == error and view.progress == {"done": 3}
    assert (view.error.get("fault") == "memory") == (error == "OutOfMemory")


def test_memory_counts_what_linux_counts():
    reading = memory.reading()
    assert 0 < reading["left"] < reading["total"]
    assert memory.ran_out({"oom_kills": 3}, {"left": 5, "total": 9}, 4)
    assert not memory.ran_out({"oom_kills": 3}, {"left": 5, "total": 9}, 3)
    assert not memory.ran_out({}, {}, None)


def test_a_job_without_headway_is_named():
    job_id = submit()
    queue.claim(ME)
    for silent, usual, stalled in ((100, 1.0, False), (130, 1.0, True), (130, 60.0, False), (700, 60.0, True)):
        change(job_id, progress={"text": "training", "beat": {"at": time.time() - silent, "usual": usual}})
        progress = queue.get(job_id).progress
        assert ("stalled" in progress) == stalled == ("may be stuck" in progress["text"])
    queue.end(job_id, "finished")
    assert "stalled" not in queue.get(job_id).progress


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    """An nvidia-smi that knows two GPUs."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    rows = "".join(f"{index}, GPU-{index}, A card, 16384, 16000, 8.0\\n" for index in range(2))
    tool.write_text(f"#!/bin/sh\nprintf '{rows}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    forget()
    lanes.gpus.cache_clear()
    yield
    forget()
    lanes.gpus.cache_clear()


def test_one_job_on_each_gpu(two_gpus):
    jobs = [submit("compute-test") for _ in range(3)]
    claimed = [queue.claim(ME), queue.claim(ME)]
    assert [(job.id, job.device) for job in claimed] == [(jobs[0], 0), (jobs[1], 1)]
    assert queue.claim(ME) is None and not queue.take(jobs[2], ME, 1)
    seen = [lanes.environment(job.lane, job.device)["CUDA_VISIBLE_DEVICES"] for job in claimed]
    assert seen == ["0", "1"]
    queue.end(jobs[1], "finished")
    assert (job := queue.claim(ME)) is not None and (job.id, job.device) == (jobs[2], 1)


def test_only_gpus_that_may_be_used_are_used(two_gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    for _ in range(2):
        submit("compute-test")
    job = queue.claim(ME)
    assert job.device == 0 and lanes.environment(job.lane, job.device)["CUDA_VISIBLE_DEVICES"] == "1"
    assert queue.claim(ME) is None


def test_waiting_jobs_are_moved():
    first, second, third, light = (*(submit("compute-test") for _ in range(3)), submit())
    assert [job.id for job in queue.move(third, before=first)] == [third, first, second]
    later = submit("compute-test")
    assert [job.id for job in queue.move(first)] == [third, second, later, first]
    assert [job.id for job in queue.waiting("compute")] == [third, second, later, first]
    assert {job.id for job in queue.waiting()} == {first, second, third, later, light}
    assert [queue.claim(ME).id for _ in range(2)] == [third, light]
    with pytest.raises(WrongState, match="does not wait any more"):
        queue.move(third, before=second)
    with pytest.raises(WrongState, match="does not wait any more"):
        queue.move(second, before=third)
    with pytest.raises(BadInput, match="do not wait for the same"):
        queue.move(second, before=submit())
    assert [job.id for job in queue.move(second, before=second)] == [second, later, first]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moves=st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 4)), max_size=8))
def test_moves_are_those_of_a_list(moves):
    for job in queue.waiting():
        queue.stop(job.id)
    jobs = [submit("compute-test") for _ in range(5)]
    order = list(jobs)
    for moved, before in moves:
        if moved != before:
            order.remove(jobs[moved])
            order.insert(len(order) if before is None else order.index(jobs[before]), jobs[moved])
        queue.move(jobs[moved], None if before is None else jobs[before])
        assert [job.id for job in queue.waiting("compute")] == order
    last = submit("compute-test")
    assert [job.id for job in queue.waiting("compute")] == [*order, last]


def test_submitting_once_gives_one_job_of_a_kind():
    first = queue.submit_once("compute-test", {}, "tester")
    assert queue.submit_once("compute-test", {}, "tester") == first
    queue.stop(first)
    assert queue.submit_once("compute-test", {}, "tester") != first


def test_a_worker_leaves_only_when_no_job_is_live():
    with session() as opened:
        opened.add(Worker(host=queue.HOST, pid=ME.pid, started=ME.create_time()))
    job_id = submit()
    assert not worker.leave(ME)
    assert worker.alive()
    queue.stop(job_id)
    assert worker.leave(ME)
    assert not worker.alive()


@pytest.mark.parametrize("kind", [kind for kind in queue.KINDS if not kind.endswith("-test")])
def test_the_function_of_each_kind_is_there(kind):
    module, function = queue.KINDS[kind][1].split(":")
    spec = importlib.util.find_spec(module)
    assert spec and spec.origin and function in Path(spec.origin).read_text()
