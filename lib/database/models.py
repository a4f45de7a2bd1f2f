"""The tables. Times are seconds since 1970 (UTC), as floats: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

QUEUED, RUNNING, FINISHED, FAILED, STOPPED, INTERRUPTED = (
    "queued",
    "running",
    "finished",
    "failed",
    "stopped",
    "interrupted",
)
LIVE = (QUEUED, RUNNING)


class Base(DeclarativeBase):
    """Root of the models; JSON columns hold plain dicts and lists."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {dict[str, Any]: JSON, list[str]: JSON}


class Job(Base):
    """Work done in a process of its own. `lane` says what it must not overlap with (see `lib.jobs.queue`)."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    lane: Mapped[str] = mapped_column(String(16))
    payload: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(16), default=QUEUED, index=True)
    created_at: Mapped[float] = mapped_column(default=time.time)
    created_by: Mapped[str] = mapped_column(String(128), default="")
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]
    host: Mapped[str | None] = mapped_column(String(256))
    worker_pid: Mapped[int | None]
    worker_started: Mapped[float | None]
    pid: Mapped[int | None]
    pid_started: Mapped[float | None]
    heartbeat_at: Mapped[float | None]
    stop_requested_at: Mapped[float | None]
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]

    # One running job in each exclusive lane, whoever claims it: the database itself refuses a second.
    __table_args__ = (
        Index(
            "one_running_job_in_a_lane",
            "lane",
            unique=True,
            sqlite_where=text("status = 'running' AND lane != 'light'"),
            postgresql_where=text("status = 'running' AND lane != 'light'"),
        ),
    )


class Run(Base):
    """One fine-tune: which dataset version, model and template, with which settings. Its state is its job's."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    dataset: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    model: Mapped[str] = mapped_column(String(512))
    template: Mapped[str] = mapped_column(String(64))
    config: Mapped[dict[str, Any]]
    created_at: Mapped[float] = mapped_column(default=time.time)
    created_by: Mapped[str] = mapped_column(String(128), default="")
    job: Mapped[Job] = relationship(lazy="joined")


class Comparison(Base):
    """Base and tuned outputs of one split, scored. Its state is its job's."""

    __tablename__ = "comparisons"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    runs: Mapped[list[str]]
    dataset: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    split: Mapped[str] = mapped_column(String(32))
    config: Mapped[dict[str, Any]]
    created_at: Mapped[float] = mapped_column(default=time.time)
    created_by: Mapped[str] = mapped_column(String(128), default="")
    job: Mapped[Job] = relationship(lazy="joined")


class Activity(Base):
    """Who did what and when; `link` is a page and its address parameter, such as `runs?run=gentle-otter`."""

    __tablename__ = "activity"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(default=time.time, index=True)
    who: Mapped[str] = mapped_column(String(128))
    what: Mapped[str] = mapped_column(String(512))
    link: Mapped[str] = mapped_column(String(256), default="")


class Worker(Base):
    """A worker process that is, or was, alive; `started` is the process's create time."""

    __tablename__ = "workers"

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(256))
    pid: Mapped[int]
    started: Mapped[float]
    heartbeat_at: Mapped[float] = mapped_column(default=time.time)
