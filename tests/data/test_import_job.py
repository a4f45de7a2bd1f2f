"""The import as a job: it can be stopped, and then leaves nothing behind."""

from __future__ import annotations

import json

import pytest

from lib.data import datasets
from lib.data.import_job import run_job
from lib.errors import Stopped
from lib.jobs.context import JobContext
from lib.storage import datasets_dir


def payload(tmp_path, rows: int) -> dict:
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps({"question": f"q{n}", "answer": f"a{n}"}) + "\n" for n in range(rows)))
    return {"source": str(source), "name": "rows", "mapping": None, "user": "ann"}


def test_it_imports_and_returns_the_report(tmp_path):
    report = run_job(payload(tmp_path, 20), JobContext(1))
    assert report["kept"] == 20 and datasets.get("rows").rows == 20
    json.dumps(report)


def test_stopped_it_leaves_nothing(tmp_path):
    job = JobContext(1)
    job.request_stop()
    with pytest.raises(Stopped):
        run_job(payload(tmp_path, 5000), job)
    assert not list(datasets_dir().glob("*"))
