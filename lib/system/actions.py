"""What can be done to jobs from the System page and its command."""

from __future__ import annotations

from lib.database import note
from lib.errors import WrongState
from lib.jobs import queue
from lib.jobs.view import JobView
from lib.system.titles import title


def stop(job_id: int, user: str) -> JobView:
    """Stop a job: one that waits at once; one that runs keeps what it has; the engine gives its memory back.

    Raises:
        NotFound: no job of that number.
        WrongState: it has ended already.
    """
    job = queue.stop(job_id)
    named = title(job)
    text = named.text[:1].lower() + named.text[1:]
    note(user, f"stopped the {text}" if job.kind == "engine" else f"stopped {text}", named.link)
    return job


def move_up(job_id: int, user: str) -> list[JobView]:
    """Put a waiting job before the one that has its turn before it; returns the jobs of its lane in their new order.

    Raises:
        NotFound: no job of that number.
        WrongState: it does not wait any more, or is the first.
    """
    lane = queue.waiting(queue.get(job_id).lane)
    place = next((index for index, job in enumerate(lane) if job.id == job_id), None)
    if place is None:
        raise WrongState(f"Job {job_id} does not wait any more.", "It has begun, or was stopped.")
    if place == 0:
        raise WrongState(f"Job {job_id} is the next one already.", "It begins when the device is free.")
    moved = queue.move(job_id, lane[place - 1].id)
    named = title(lane[place])
    note(user, f"moved {named.text[:1].lower()}{named.text[1:]} up in the queue", named.link)
    return moved
