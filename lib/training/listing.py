"""Runs that there are, and what they wrote."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from lib.database import Run, session
from lib.errors import NotFound
from lib.storage import run_dir
from lib.training.run_view import RunView, read_metrics, view_of


def get(run_id: str) -> RunView:
    """Raises:
    NotFound: no run of that id.
    """
    with session() as opened:
        run = opened.get(Run, run_id)
        if run is None:
            newest = ", ".join(opened.scalars(select(Run.id).order_by(Run.created_at.desc()).limit(5)))
            raise NotFound(f"There is no run {run_id!r}.", f"Newest runs: {newest}." if newest else "Train one first.")
        return view_of(run)


def list_runs(limit: int | None = None) -> list[RunView]:
    """All runs, newest first."""
    with session() as opened:
        return [view_of(run) for run in opened.scalars(select(Run).order_by(Run.created_at.desc()).limit(limit))]


def metrics(run_id: str) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl` so far; a last line that is still being written is left out."""
    return read_metrics(run_dir(run_id) / "metrics.jsonl")


def log_tail(run_id: str, lines: int = 200) -> str:
    """The last lines of what the run's process printed; of a progress bar the last state only."""
    path = get(run_id).folder / "log.txt"
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:  # else every \r ends a line
        text = file.read()
    printed = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return "\n".join(printed[-lines:])
