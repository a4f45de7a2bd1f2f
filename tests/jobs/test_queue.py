"""The queue's own rules, with the real database and no worker."""

from __future__ import annotations

import json
import os
import time

import psutil
import pytest

from lib.database import Job, Worker, session
from lib.errors import NotFound, WrongState
from lib.jobs import queue, worker
from tests.helpers import python

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
    jobs = {name: submit() for name in ("alive", "killed", "asked", "reused", "unborn", "waiting", "elsewhere")}
    while queue.claim(ME):
        pass
    change(jobs["alive"], pid=ME.pid, pid_started=born)
    change(jobs["killed"], pid=dead.pid, pid_started=born)
    change(jobs["asked"], pid=dead.pid, pid_started=born, stop_requested_at=time.time())
    change(jobs["reused"], pid=ME.pid, pid_started=born - 1000)  # another process has that number by now
    change(jobs["unborn"], worker_pid=dead.pid, worker_started=born)
    change(jobs["elsewhere"], pid=dead.pid, host="another-machine")
    queue.sweep()
    assert {name: queue.get(job_id).status for name, job_id in jobs.items()} == {
        "alive": "running",
        "killed": "interrupted",
        "asked": "stopped",
        "reused": "interrupted",
        "unborn": "queued",
        "waiting": "running",
        "elsewhere": "running",
    }
    error = queue.get(jobs["killed"]).error
    assert error is not None and error["error"] == "Interrupted" and error["hint"]


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
