"""The same tables, queue and locks on a real PostgreSQL server, started here on a free port."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from lib.database import Run, session
from lib.jobs import queue
from lib.settings import ROOT

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(shutil.which("pg_ctl") or "missing")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a fresh server; PostgreSQL refuses to run as root, so root starts it as `postgres`."""
    pg_ctl = BINARIES[-1]
    if not pg_ctl.exists():
        pytest.skip("NO POSTGRESQL SERVER ON THIS MACHINE: the team database is not tested here")
    folder = tmp_path_factory.mktemp("postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_user = []
    if getpass.getuser() == "root":
        shutil.chown(folder, "postgres")
        for parent in list(folder.parents)[:3]:
            parent.chmod(0o755)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
    run = {"stdout": subprocess.DEVNULL, "cwd": folder}
    control = [*as_user, pg_ctl, "-D", data]
    subprocess.run([*as_user, pg_ctl.parent / "initdb", "-D", data, "-A", "trust", "-U", "studio"], check=True, **run)
    subprocess.run([*control, "-o", options, "-l", folder / "log", "-w", "start"], check=True, **run)
    yield f"postgresql+psycopg://studio@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, **run)


@pytest.fixture
def postgres(server, monkeypatch):
    monkeypatch.setenv("STUDIO_DATABASE_URL", server)


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
    assert not queue._take(second, me)
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
