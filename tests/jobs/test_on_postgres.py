"""The order of waiting jobs, and taking a run up again, on the team database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psutil

from lib.database import Job, Run, session
from lib.errors import WrongState
from lib.jobs import queue
from lib.training import checkpoints, runs
from lib.training.config import TrainConfig
from tests.postgres import postgres, server

__all__ = ["postgres", "server"]


def test_moved_jobs_are_claimed_in_their_order(postgres):
    first, second, third = (queue.submit("train", {}, "tester") for _ in range(3))
    assert [job.id for job in queue.move(third, before=first)] == [third, first, second]
    assert queue.claim(psutil.Process()).id == third
    assert queue.claim(psutil.Process()) is None
    queue.end(third, "finished")
    assert queue.claim(psutil.Process()).id == first


def test_of_many_who_resume_a_run_one_does(postgres, home):
    with session() as opened:
        job = queue.new_job("train", {"run": "true-crow"}, "tester")
        opened.add(job)
        opened.flush()
        config = TrainConfig().to_dict()
        row = Run(id="true-crow", job_id=job.id, dataset="d", version=1, model="m", template="llama2", config=config)
        opened.add(row)
        job.status = "interrupted"
    folder = checkpoints.folder_of(runs.get("true-crow").folder) / ".checkpoint-new"
    folder.mkdir(parents=True)
    checkpoints.finish(folder, checkpoints.Place(3, 10, 100, 1.0, 0, False, "base", "rows"))

    def resume(_):
        try:
            return runs.resume("true-crow", "tester").job.id
        except WrongState:
            return None

    with ThreadPoolExecutor(6) as pool:
        jobs = [job for job in pool.map(resume, range(6)) if job]
    assert len(jobs) == 1 and runs.get("true-crow").job.id == jobs[0]
    with session() as opened:
        assert opened.query(Job).count() == 2
