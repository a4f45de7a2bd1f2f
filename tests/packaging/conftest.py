"""A finished run on the tiny model, and packages of it, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lib import packaging
from lib.jobs import queue
from lib.jobs.queue import JobView
from lib.training import runs
from lib.training.runs import RunView
from tests.export.conftest import online  # noqa: F401 - a fixture
from tests.training.conftest import new_run  # noqa: F401 - a fixture

Finished = Callable[..., RunView]
Package = Callable[..., JobView]


@pytest.fixture
def finished(new_run, jobs_here) -> Finished:  # noqa: F811
    """Train to the end; keywords are those of `new_run`."""

    def train(**settings: Any) -> RunView:
        view = new_run(**settings)
        jobs_here()
        view = runs.get(view.id)
        assert view.status == "finished", view.job.error
        return view

    return train


@pytest.fixture
def package(jobs_here) -> Package:
    """Make a package; the job that did it, which may have failed."""

    def make(run: str, as_: str, **options: Any) -> JobView:
        job = packaging.submit(run, as_, "tester", **options)
        jobs_here()
        return queue.get(job)

    return make
