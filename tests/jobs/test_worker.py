"""The worker and its jobs as real processes that are really killed."""

from __future__ import annotations

import os
import signal
import sys
import time

import psutil
import pytest

from lib.jobs import queue, worker
from lib.jobs.context import log_path
from tests.helpers import alive, python, wait_until


def submit(kind: str = "light-test", **payload) -> int:
    return queue.submit(kind, payload, "tester")


def pid_of(job_id: int) -> int:
    return wait_until(lambda: queue.process_of(job_id)[0], f"job {job_id} starts")


def ended(job_id: int) -> queue.JobView:
    wait_until(lambda: not queue.get(job_id).live, f"job {job_id} ends")
    return queue.get(job_id)


def test_jobs_end_as_their_functions_do_and_the_worker_when_idle(start_worker):
    jobs = {do: submit(do=do) for do in ("return", "refuse", "crash", "memory", "system", "vanish")}
    lost = submit("lost-test")
    assert start_worker("--until-idle").wait(timeout=60) == 0
    views = {do: queue.get(job_id) for do, job_id in jobs.items()}
    assert {do: view.status for do, view in views.items()} == {
        "return": "finished",
        "refuse": "failed",
        "crash": "failed",
        "memory": "failed",
        "system": "failed",
        "vanish": "interrupted",
    }
    assert views["return"].result == {"answer": 42}
    assert views["return"].progress["loss"] == 0.5
    assert not {"text", "seconds_left"} & views["return"].progress.keys()  # it does nothing any more
    assert views["refuse"].error == {"error": "BadInput", "message": "The cup is empty.", "hint": "Fill it."}
    assert views["crash"].error["error"] == "Unexpected"
    assert "ZeroDivisionError: one by zero" in views["crash"].error["message"]
    assert "Traceback" in log_path(jobs["crash"]).read_text()
    assert "Traceback" not in log_path(jobs["refuse"]).read_text()
    assert views["memory"].error["fault"] == "memory" and "memory ran out" in views["memory"].error["message"]
    assert views["system"].error["error"] == "StorageError"
    assert "No space left" in views["system"].error["message"]
    assert queue.get(lost).status == "failed" and "no_such_module" in queue.get(lost).error["message"]
    assert not worker.alive()


def test_stopping_keeps_what_a_job_has(start_worker):
    kept, empty = submit(do="until"), submit(do="stopped-empty")
    first, waiting = submit("compute-test", do="until"), submit("compute-test", do="return")
    start_worker()
    for job_id in (kept, empty, first):
        pid_of(job_id)
    assert queue.get(waiting).status == "queued"
    for job_id in (kept, empty, first):
        queue.stop(job_id)
    assert (ended(kept).status, ended(kept).result) == ("stopped", {"kept": True})
    assert ended(empty).status == "stopped" and ended(empty).error["message"] == "Nothing was kept."
    assert ended(first).status == "stopped"
    assert ended(waiting).status == "finished", "the lane is free again"


def test_a_killed_job_is_interrupted_with_a_hint(start_worker):
    job_id = submit(do="until")
    start_worker()
    os.kill(pid_of(job_id), signal.SIGKILL)
    view = ended(job_id)
    assert view.status == "interrupted"
    assert "killed" in view.error["message"] and "resume or start it again" in view.error["hint"]


def test_a_job_that_does_not_hear_is_killed(start_worker, monkeypatch):
    """The deadline is a minute; here the stop is back-dated instead of waited for."""
    from lib.database import Job, session

    job_id = submit(do="deaf")
    start_worker()
    pid = pid_of(job_id)
    queue.stop(job_id)
    with session() as opened:
        opened.get(Job, job_id).stop_requested_at = time.time() - worker.KILL_AFTER_SECONDS - 1
    assert ended(job_id).status == "stopped"
    assert not alive(pid)


def test_a_job_that_is_to_end_at_once_is_not_waited_for(start_worker):
    deaf, asked = submit(do="deaf"), submit(do="deaf")
    start_worker()
    pids = [pid_of(job_id) for job_id in (deaf, asked)]
    queue.stop(asked)
    for job_id in (deaf, asked):
        assert queue.stop(job_id, at_once=True).stopping
    assert [ended(job_id).status for job_id in (deaf, asked)] == ["stopped", "stopped"]
    assert not any(map(alive, pids))


def test_jobs_outlive_a_killed_worker_and_are_not_run_twice(start_worker, tmp_path):
    go, mark = tmp_path / "go", tmp_path / "mark"
    job_id = submit("compute-test", do="until", until=str(go), mark=str(mark))
    first = start_worker()
    pid = pid_of(job_id)
    wait_until(mark.exists, "the job is at work")
    first.kill()
    first.wait()
    assert alive(pid)
    second = start_worker("--until-idle")
    wait_until(worker.alive, "the second worker is there")
    assert queue.get(job_id).status == "running"
    go.touch()
    assert second.wait(timeout=60) == 0
    assert (queue.get(job_id).status, queue.get(job_id).result) == ("finished", {"kept": True})
    assert mark.read_text().split() == [str(pid)]


def test_a_job_killed_while_no_worker_lived_is_found_dead(start_worker):
    job_id = submit("compute-test", do="until")
    first = start_worker()
    pid = pid_of(job_id)
    first.kill()
    first.wait()
    os.kill(pid, signal.SIGKILL)
    assert start_worker("--until-idle").wait(timeout=60) == 0
    assert queue.get(job_id).status == "interrupted"


def test_a_job_whose_process_cannot_start_fails(start_worker):
    job_id = submit()
    assert start_worker("--until-idle", module="tests.jobs.no_such_module").wait(timeout=60) == 0
    view = queue.get(job_id)
    assert view.status == "failed" and "could not start" in view.error["message"]
    assert "no_such_module" in log_path(job_id).read_text() and str(log_path(job_id)) in view.error["hint"]


def test_a_job_whose_log_cannot_be_written_fails_and_the_worker_goes_on(home, start_worker):
    home.mkdir()
    (home / "jobs").write_text("a file where a folder should be")
    job_id = submit()
    assert start_worker("--until-idle").wait(timeout=60) == 0
    view = queue.get(job_id)
    assert view.status == "failed" and view.error["error"] == "StorageError"


def test_a_worker_ends_on_sigterm(start_worker):
    process = start_worker()
    wait_until(worker.alive, "the worker is there")
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert not worker.alive()


ORPHANING = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "lib.jobs.worker"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_an_orphaned_worker_ends(home, no_process_left):
    parent = python("-c", ORPHANING)
    pid = int(parent.stdout.readline())
    wait_until(worker.alive, "the worker is there")
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(pid), "the worker ends")
    assert not worker.alive()


def test_ensure_starts_one_worker_however_often_it_is_called(home, no_process_left):
    job_id = submit(do="until")  # keeps it from being idle; nobody here can run it

    def workers() -> set[int]:
        mine = [process for process in psutil.Process().children() if process.is_running()]
        return {process.pid for process in mine if "lib.jobs.worker" in " ".join(process.cmdline())}

    for _ in range(10):
        worker.ensure()
        time.sleep(0.02)
    wait_until(worker.alive, "the worker is there")
    worker.ensure()
    assert len(workers()) == 1
    assert ended(job_id).status == "failed"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_job_has_a_session_of_its_own(start_worker):
    job_id = submit(do="until")
    process = start_worker()
    pid = pid_of(job_id)
    assert os.getsid(pid) == pid != os.getsid(process.pid)
