"""What screens and commands see of a job; a job that makes no headway is named here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from lib.database import Job
from lib.database.models import LIVE, RUNNING
from lib.errors import NotFound
from lib.words import duration

MACHINE = "machine"  # key of the progress that holds the first and the last reading of the memory
STALLED_TIMES = 10  # so many times the usual time of a step …
STALLED_SECONDS = 120.0  # … and at least this long without one


@dataclass(frozen=True)
class JobView:
    """What screens and commands see of a job. Times are seconds since 1970.

    `progress` has `text`, what it does, and the time left only while it is live. `progress["stalled"]` is there while a
    running job makes no headway: seconds since its last step. `heard_at`: when its process last said that it lives.
    `machine`: the memory then, as `lib.jobs.memory.reading` has it.
    """

    id: int
    kind: str
    status: str
    payload: dict[str, Any]
    created_at: float
    created_by: str
    started_at: float | None
    finished_at: float | None
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    stopping: bool
    lane: str = "light"
    device: int = 0
    heard_at: float | None = None
    machine: dict[str, Any] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def seconds(self) -> float:
        """Time spent running so far."""
        return ((self.finished_at or time.time()) - self.started_at) if self.started_at else 0.0

    @classmethod
    def of(cls, job: Job) -> JobView:
        hidden = (MACHINE,) if job.status in LIVE else (MACHINE, "text", "seconds_left")
        progress = {key: value for key, value in (job.progress or {}).items() if key not in hidden}
        return cls(
            id=job.id,
            kind=job.kind,
            status=job.status,
            payload=job.payload,
            created_at=job.created_at,
            created_by=job.created_by,
            started_at=job.started_at,
            finished_at=job.finished_at,
            progress=_watched(progress) if job.status == RUNNING else progress,
            result=job.result,
            error=job.error,
            stopping=job.stop_requested_at is not None and job.status in LIVE,
            lane=job.lane,
            device=job.device or 0,
            heard_at=job.heartbeat_at,
            machine=((job.progress or {}).get(MACHINE) or {}).get("last") or {},
        )


def _watched(progress: dict[str, Any]) -> dict[str, Any]:
    """The progress, with a word on it when there has been no step for far longer than usual."""
    beat = progress.get("beat")  # {"at": of the last sign of work, "usual": seconds between two}
    if not beat:
        return progress
    silent = time.time() - beat["at"]
    if silent < max(STALLED_SECONDS, STALLED_TIMES * beat["usual"]):
        return progress
    text = f"no step for {duration(silent)} (usually one every {beat['usual']:.1f} s): it may be stuck"
    return {**progress, "text": text, "stalled": silent, "seconds_left": None}


def row(opened: Session, job_id: int) -> Job:
    """Raises:
    NotFound: no job of that number.
    """
    job = opened.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.", "`system` and the System page list the jobs.")
    return job
