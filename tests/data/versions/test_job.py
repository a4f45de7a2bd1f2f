"""The job that saves."""

from __future__ import annotations

from lib.jobs import queue
from tests.data.versions.conftest import ROWS, change
from tests.helpers import wait_until


def test_the_job_runs_in_a_process_of_its_own(info, no_process_left):
    from lib.jobs import worker

    change(info, 3, status="accepted")
    job_id = queue.submit("save", {"dataset": "faq@1", "message": "m", "user": "ann"}, "ann")
    worker.ensure()
    wait_until(lambda: not queue.get(job_id).live, "the job ends")
    assert queue.get(job_id).result == {"dataset": "faq@2", "version": 2, "rows": ROWS}
