"""The same tables, queue and locks on a real PostgreSQL server, started here on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil

from lib.database import Run, session
from lib.jobs import queue
from lib.settings import ROOT


def test_many_processes_open_a_fresh_database_at_once(server):
    code = "from lib.jobs import queue; print(queue.submit('import', {}, 'test'))"
    environment = os.environ | {"STUDIO_DATABASE_URL": server}

    def submit(_):
        return subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(submit, range(4)))
    assert len(set(ids)) == 4


def test_one_running_job_in_a_lane(postgres):
    me = psutil.Process()
    first, second = queue.submit("train", {}, "test"), queue.submit("train", {}, "test")
    while (job := queue.claim(me)) and job.id != first:  # the imports that the test above left behind
        pass
    assert queue.get(first).status == "running"
    assert not queue.take(second, me)
    queue.end(first, "finished")
    assert queue.claim(me).id == second


def test_rows_and_json_come_back(postgres):
    with session() as opened:
        job = queue.new_job("train", {"run": "true-crow", "list": [1, None, "é"]}, "test")
        opened.add(job)
        opened.flush()
        run = Run(id="true-crow", job_id=job.id, dataset="d", version=1, model="m", template="llama2", config={"r": 16})
        opened.add(run)
    with session() as opened:
        run = opened.get(Run, "true-crow")
        assert run.config == {"r": 16} and run.job.payload["list"] == [1, None, "é"]
