"""What to start a run again with after it has failed: for screens and commands. No torch here."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lib.training import runs
from lib.training.plan.after_failure import nearest_that_fits
from lib.training.run_view import RunView


def remedy(view: RunView) -> dict[str, Any]:
    """Settings that would help, for `runs.retry`; empty where nothing would.

    A trainer that could still speak has said it. Of one that the system has ended for want of memory the plan is asked,
    once: the nearest change that needs clearly less, else the first that saves some.
    """
    error = view.job.error or {}
    if "suggest" in error:
        return dict(error["suggest"])
    if error.get("fault") != "memory":
        return {}
    return dict(_nearest(view.id, view.job.id) or (view.error or {}).get("suggest", {}))


@lru_cache(maxsize=256)
def _nearest(run_id: str, job_id: int) -> dict[str, Any]:
    return nearest_that_fits(runs.get(run_id))
