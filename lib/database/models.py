"""The tables. Times are seconds since 1970 (UTC), as floats: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
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
    """Work done in a process of its own. `lane` says what it must not overlap with (see `lib.jobs.queue`).

    `position` is its place in the queue where somebody moved it, else its id counts. `device` is the number of the
    device that a running job of an exclusive lane holds.
    """

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
    position: Mapped[float | None]
    device: Mapped[int] = mapped_column(default=0, server_default="0")

    # One running job of each exclusive lane on a device, whoever claims it: the database itself refuses a second.
    __table_args__ = (
        Index(
            "one_running_job_on_a_device",
            "lane",
            "device",
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
    tags: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    job: Mapped[Job] = relationship(lazy="joined")


class Comparison(Base):
    """Outputs of several models on the same questions, scored. Its state is its job's.

    The questions are those of a dataset's split, or of the prompt set named in `prompt_set` (`dataset` is then empty
    and `version` 0). `config` says who answers (its "sides") and how.
    """

    __tablename__ = "comparisons"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    runs: Mapped[list[str]]
    dataset: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    split: Mapped[str] = mapped_column(String(32))
    prompt_set: Mapped[str] = mapped_column(String(64), default="", server_default="")
    config: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[float] = mapped_column(default=time.time)
    created_by: Mapped[str] = mapped_column(String(128), default="")
    job: Mapped[Job] = relationship(lazy="joined")


class Prompt(Base):
    """One question of a prompt set, kept to be asked again. `reference` is empty where no answer is known to be right.

    `messages` is the conversation up to the answer, as `Message.to_dict` writes it; `origin` says where it came from:
    {"file": …}, or {"run" | "model": …, "answer": …, "judged": "good" | "bad"} from the playground.
    """

    __tablename__ = "prompts"

    id: Mapped[int] = mapped_column(primary_key=True)
    prompt_set: Mapped[str] = mapped_column(String(64), index=True)
    messages: Mapped[list[Any]] = mapped_column(JSON)
    reference: Mapped[str] = mapped_column(Text, default="")
    origin: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[float] = mapped_column(default=time.time)
    created_by: Mapped[str] = mapped_column(String(128), default="")


class Ballot(Base):
    """A blind vote on two sides of a comparison. `id` is the unguessable part of its link.

    `rows` are the questions to vote on, in their order; `seed` decides which side each person sees on the left.
    Nobody votes once it has `closed_at`; names are shown only then.
    """

    __tablename__ = "ballots"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    comparison_id: Mapped[int] = mapped_column(ForeignKey("comparisons.id"))
    base: Mapped[str] = mapped_column(String(512))
    tuned: Mapped[str] = mapped_column(String(512))
    rows: Mapped[list[int]] = mapped_column(JSON)
    question: Mapped[str] = mapped_column(Text, default="")
    seed: Mapped[int]
    created_at: Mapped[float] = mapped_column(default=time.time)
    created_by: Mapped[str] = mapped_column(String(128), default="")
    closed_at: Mapped[float | None]


class Vote(Base):
    """What one person thinks of one pair at present: `choice` is base, tuned, tie, both_bad or skip, never a side."""

    __tablename__ = "votes"

    ballot_id: Mapped[str] = mapped_column(ForeignKey("ballots.id"), primary_key=True)
    rater: Mapped[str] = mapped_column(String(128), primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    choice: Mapped[str] = mapped_column(String(16))
    comment: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[float] = mapped_column(default=time.time)


class VoteChange(Base):
    """Every vote as it was cast, changed or taken back (`choice` empty); only ever added."""

    __tablename__ = "vote_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    ballot_id: Mapped[str] = mapped_column(ForeignKey("ballots.id"), index=True)
    rater: Mapped[str] = mapped_column(String(128))
    row_id: Mapped[int] = mapped_column(BigInteger)
    choice: Mapped[str] = mapped_column(String(16))
    comment: Mapped[str] = mapped_column(Text, default="")
    left: Mapped[str] = mapped_column(String(16))
    """Which of base and tuned stood on the left."""
    at: Mapped[float] = mapped_column(default=time.time)


class Draft(Base):
    """The working copy of a dataset version: how far its journal goes, and which file keeps states of its rows.

    `seq` is the number of the last journal entry; numbers go on from version to version of a dataset. `overlay` names
    the file with the states of rows edited up to some entry (see `lib.data.edits`); `saved_as` is the version that the
    edits became, after which this working copy takes no more.
    """

    __tablename__ = "drafts"

    dataset: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(default=0)
    overlay: Mapped[str | None] = mapped_column(String(64))
    saved_as: Mapped[int | None]


class RowEdit(Base):
    """The present state of a row, which goes before that of the overlay. `state` is whole, not a difference."""

    __tablename__ = "row_edits"

    dataset: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int]
    state: Mapped[dict[str, Any]]


class JournalEntry(Base):
    """One change to one row (`row_id`, `before`, `after`) or to many (`predicate`, `file`). Only ever added.

    `reverts` is the entry that an undo takes back or a redo brings back. `kept` has the rows that a bulk change left
    as they are because somebody edited them while it ran, or since what it takes back: {"rows": [...], "count": n}.
    """

    __tablename__ = "journal"

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    seq: Mapped[int]
    at: Mapped[float] = mapped_column(default=time.time)
    who: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(32))
    what: Mapped[str] = mapped_column(Text, default="")
    rows: Mapped[int] = mapped_column(default=1)
    row_id: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    predicate: Mapped[dict[str, Any] | None]
    file: Mapped[str | None] = mapped_column(String(64))
    kept: Mapped[dict[str, Any] | None]
    reverts: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("dataset", "version", "seq", name="one_entry_a_number"),
        Index("journal_of_a_row", "dataset", "row_id"),
    )


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
