"""Runs: create one, list them, read what they wrote. What a run is made of lies in `runs/<id>/` and in its job.

starting   a new run
listing    those there are, and what they wrote
again      resumed, extended, started anew
repeat     the command that repeats one
run_view   one run: settings, state, results
"""

from __future__ import annotations

from lib.database import note
from lib.jobs import queue
from lib.training.again import extend, resume, retry
from lib.training.listing import get, list_runs, log_tail, metrics
from lib.training.repeat import command_line, repeat
from lib.training.run_view import RESULT_KEYS, RunView, extendable, kept_step, read_metrics, resumable
from lib.training.starting import create

__all__ = [
    "RESULT_KEYS",
    "RunView",
    "ahead",
    "cancel",
    "command_line",
    "create",
    "extend",
    "extendable",
    "get",
    "kept_step",
    "list_runs",
    "log_tail",
    "metrics",
    "move",
    "read_metrics",
    "repeat",
    "resumable",
    "resume",
    "retry",
    "stop",
    "waiting",
]


def stop(run_id: str, user: str) -> RunView:
    """Stop a run and keep what it has learned so far.

    Raises:
        WrongState: it has ended already.
    """
    return _end(run_id, user, "stopped", at_once=False)


def cancel(run_id: str, user: str) -> RunView:
    """End a run at once, also one that is stuck: only its last checkpoint stays, from which it can be resumed.

    Raises:
        WrongState: it has ended already.
    """
    return _end(run_id, user, "cancelled", at_once=True)


def _end(run_id: str, user: str, what: str, at_once: bool) -> RunView:
    view = get(run_id)
    queue.stop(view.job.id, at_once)
    note(user, f"{what} run {run_id}", f"runs?run={run_id}")
    return get(run_id)


def waiting() -> list[RunView]:
    """Runs that wait for a device, in the order in which they will have their turn."""
    return [get(job.payload["run"]) for job in queue.waiting("compute") if job.kind == "train"]


def ahead() -> int:
    """Jobs that run or wait on a device now, after which another one would have its turn."""
    return sum(queue.KINDS[job.kind][0] == "compute" for job in queue.live_jobs())


def move(run_id: str, before: str | None = None) -> list[RunView]:
    """Put a waiting run before another, or last; returns the waiting runs in their new order.

    Raises:
        NotFound: no such run.
        WrongState: one of the two is not waiting any more.
    """
    queue.move(get(run_id).job.id, get(before).job.id if before is not None else None)
    return waiting()
