"""Jobs, devices and workers as the System page has them."""

from __future__ import annotations

import time

import psutil
import pytest

from lib import devices
from lib.database import Worker, session
from lib.devices import Device
from lib.errors import NotFound, WrongState
from lib.jobs import lanes, queue
from lib.jobs.context import log_path
from lib.overview import activity
from lib.system import actions, jobs
from lib.system.holders import held
from lib.system.titles import VERBS, title
from lib.system.workers import list_workers, own_memory
from tests.system.making import set_job, started

GPUS = tuple(Device("cuda", index, f"GPU {index}", 80 * 10**9, 70 * 10**9, True, 9.0) for index in (0, 1))
CPU = Device("cpu", 0, "CPU", 16 * 10**9, 8 * 10**9, False, cores=2)


@pytest.fixture
def machine(monkeypatch):
    def with_devices(*found: Device) -> None:
        monkeypatch.setattr(devices, "devices", lambda: found)

    return with_devices


def test_every_kind_of_job_has_words():
    assert set(queue.KINDS) <= set(VERBS)


@pytest.mark.parametrize(
    ("kind", "payload", "text", "link"),
    [
        ("train", {"run": "gentle-otter"}, "Run gentle-otter", "runs?run=gentle-otter"),
        ("compare", {"comparison": 7}, "Comparison 7", "compare?comparison=7"),
        ("package", {"of": "gentle-otter", "as": "merged"}, "Merged package of gentle-otter", "runs?run=gentle-otter"),
        ("check", {"dataset": "faq@2"}, "Checks of faq@2", "curate?dataset=faq@2"),
        ("leakage", {"left": "faq:train", "right": "faq:test"}, "Leakage of faq:train and faq:test", ""),
        ("import", {"source": "/x/rows.csv", "name": "faq"}, "Import faq", "datasets"),
        ("download", {"model": "owner/name"}, "Download of owner/name", ""),
        ("engine", {}, "Inference engine", ""),
    ],
)
def test_a_job_is_named_after_what_it_works_on(kind, payload, text, link):
    named = title(queue.get(queue.submit(kind, payload, "ada")))
    assert (named.text, named.link) == (text, link)


def test_jobs_hold_the_device_that_they_were_given(machine):
    first, second = (queue.submit("train", {"run": name}, "ada") for name in ("one", "two"))
    engine, light = queue.submit("engine", {}, "ada"), queue.submit("check", {"dataset": "faq@1"}, "ada")
    for job, device in ((first, 0), (second, 1), (engine, 0), (light, 0)):
        started(job, device=device)
    machine(*GPUS, CPU)
    assert {one.device.id: [job.id for job in one.jobs] for one in held()} == {
        "cuda:0": [first, engine],
        "cuda:1": [second],
        "cpu": [],
    }
    set_job(second, status="finished")
    machine(CPU)
    (only,) = held()
    assert [job.id for job in only.jobs] == [first, engine]
    assert only.jobs[0].memory > 10**6 and 59 < only.jobs[0].view.seconds < 90
    assert only.to_dict()["held_by"][1]["title"] == "Inference engine"


def test_a_number_beyond_the_gpus_is_the_first_as_for_the_jobs_process(machine, monkeypatch):
    job = queue.submit("train", {"run": "one"}, "ada")
    started(job, device=5)
    machine(*GPUS, CPU)
    monkeypatch.setattr(lanes, "gpus", lambda: (0, 1))
    assert lanes.environment("compute", 5)["CUDA_VISIBLE_DEVICES"] == "0"
    assert [len(one.jobs) for one in held()] == [1, 0, 0]


def test_waiting_jobs_are_moved_up_one_place_and_it_is_noted():
    one, two, three = (queue.submit("train", {"run": name}, "ada") for name in ("one", "two", "three"))
    other = queue.submit("check", {"dataset": "faq@1"}, "ada")
    actions.move_up(three, "bob")
    assert [job.id for job in jobs.waiting()] == [one, three, two, other]
    assert activity(1)[0].what == "moved run three up in the queue"
    with pytest.raises(WrongState, match="next one"):
        actions.move_up(one, "bob")
    set_job(two, status="running")
    with pytest.raises(WrongState, match="does not wait"):
        actions.move_up(two, "bob")
    with pytest.raises(NotFound):
        actions.move_up(999, "bob")


def test_stopping_is_noted_with_who_did_it():
    job = queue.submit("train", {"run": "one"}, "ada")
    assert actions.stop(job, "bob").status == "stopped"
    line = activity(1)[0]
    assert (line.who, line.what, line.link) == ("bob", "stopped run one", "runs?run=one")
    with pytest.raises(WrongState):
        actions.stop(job, "bob")
    assert len(activity()) == 1


def test_failed_jobs_newest_first_with_the_end_of_their_logs():
    old, new, fine = (queue.submit("check", {"dataset": f"faq@{number}"}, "ada") for number in (1, 2, 3))
    now = time.time()
    set_job(
        old, status="interrupted", finished_at=now - 60, error={"error": "Interrupted", "message": "m", "hint": "h"}
    )
    set_job(new, status="failed", finished_at=now)
    set_job(fine, status="finished", finished_at=now)
    assert [job.view.id for job in jobs.failed()] == [new, old]
    assert jobs.failed(1)[0].to_dict()["title"] == "Checks of faq@2"
    for number in range(30):  # of runs that were deleted or taken up again since
        set_job(queue.submit("train", {"run": f"gone-{number}"}, "ada"), status="failed", finished_at=now + number)
    assert [job.view.id for job in jobs.failed(2)] == [new, old]
    assert jobs.log_tail(old) == ""
    log_path(old).parent.mkdir(parents=True)
    log_path(old).write_text("".join(f"line {number} é\n" for number in range(20_000)))
    assert jobs.log_tail(old, 2) == "line 19998 é\nline 19999 é"


def test_a_job_whose_process_is_gone_holds_nothing():
    job = queue.submit("train", {"run": "one"}, "ada")
    started(job)
    set_job(job, pid=2**22 - 3)
    assert jobs.running()[0].memory == 0


def test_workers_are_alive_by_their_process_or_by_what_was_heard():
    me, now = psutil.Process(), time.time()
    with session() as opened:
        opened.add(Worker(host=queue.HOST, pid=me.pid, started=me.create_time(), heartbeat_at=now))
        opened.add(Worker(host=queue.HOST, pid=me.pid, started=me.create_time() - 999, heartbeat_at=now - 1))
        opened.add(Worker(host="elsewhere", pid=1, started=1.0, heartbeat_at=now - 2))
        opened.add(Worker(host="elsewhere", pid=2, started=1.0, heartbeat_at=now - 600))
    job = queue.submit("check", {"dataset": "faq@1"}, "ada")
    started(job)
    workers = list_workers(jobs.running())
    assert [worker.alive for worker in workers] == [True, False, True, False]
    assert workers[0].jobs == (job,)
    assert own_memory() > 10**6
