"""The import as a job: it can be stopped, and then leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib.data import datasets
from lib.data.imports import refusals
from lib.data.imports.job import run_job
from lib.data.info import REFUSED
from lib.errors import BadRows, Stopped
from lib.jobs.context import JobContext
from lib.storage import datasets_dir, job_dir
from tests.helpers import FakeJob, studio


def payload(tmp_path, rows: int) -> dict:
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps({"question": f"q{n}", "answer": f"a{n}"}) + "\n" for n in range(rows)))
    return {"source": str(source), "name": "rows", "mapping": None, "user": "ann"}


def test_it_imports_and_returns_the_report(tmp_path):
    report = run_job(payload(tmp_path, 20), JobContext(1))
    assert report["rows"] == 20 and datasets.get("rows").rows == 20
    json.dumps(report)


def test_when_all_rows_are_read_it_says_that_they_are_stored(tmp_path):
    job = FakeJob()
    run_job(payload(tmp_path, 20), job)
    assert (job.said[0]["text"], job.said[-1]["text"]) == ("reading", "storing the rows")


def test_stopped_it_leaves_nothing(tmp_path):
    job = JobContext(1)
    job.request_stop()
    with pytest.raises(Stopped):
        run_job(payload(tmp_path, 5000), job)
    assert not list(datasets_dir().glob("*"))


def test_rows_that_stop_it_are_left_in_its_folder(tmp_path):
    given = payload(tmp_path, 20)
    with Path(given["source"]).open("a") as file:
        file.write('{"question": 1}\n' * 3)
    with pytest.raises(BadRows):
        run_job(given, JobContext(7))
    assert refusals.count(job_dir(7) / REFUSED) == {"answer is missing": 3}
    report = run_job({**given, "keep_good": True, "test_fraction": 0.5}, JobContext(8))
    assert report["reasons"] == {"answer is missing": 3} and report["splits"]["test"] >= 2
    assert not job_dir(8).exists()


def test_the_command_takes_the_share_of_test_rows(tmp_path, home):
    source = payload(tmp_path, 300)["source"]
    done = studio("import", source, "--name", "rows", "--test-fraction", "0.5", "--json")
    assert 100 <= json.loads(done.stdout)["splits"]["test"] <= 200
    wrong = studio("import", source, "--name", "rows", "--test-fraction", "1.5")
    assert wrong.returncode == 1 and "test fraction" in wrong.stderr
