"""Checkpoints of a run as they lie on the disk: from the newest whole one an interrupted run goes on. No torch here.

    runs/<id>/checkpoints/checkpoint-<step>/     whole: it is written beside, synced, and renamed
        place.json                               how far the run was: written last
        adapter.safetensors optimizer.pt scheduler.pt rng_state.pth [scaler.pt] trainer_state.json
    runs/<id>/checkpoints/.checkpoint-*          being written, or cut off: never used, removed at the next start

A run keeps two while it goes on and the last one when it has ended, so that it can be extended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib.storage import sync_path, write_json

KEPT = 2
PLACE = "place.json"
_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Place:
    """How far a run was: what goes on from there needs beside the weights.

    `tokens` and `seconds` of training so far; `metrics` is the size in bytes of metrics.jsonl at that step; `ended`
    says that the run had no step left to take (early stopping may end it before `max_steps`). The two hashes are of
    the base's weights and of the rows: a run goes on with the same, or not at all.
    """

    step: int
    max_steps: int
    tokens: int
    seconds: float
    metrics: int
    ended: bool
    base_sha256: str
    rows_sha256: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint."""

    folder: Path
    place: Place

    @property
    def step(self) -> int:
        return self.place.step

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.stat().st_size for file in self.folder.iterdir())


def folder_of(run: Path) -> Path:
    """Where the checkpoints of the run in that folder are."""
    return run / "checkpoints"


def whole(run: Path) -> list[Checkpoint]:
    """The whole checkpoints of a run's folder, oldest first."""
    found = []
    for folder in folder_of(run).glob("checkpoint-*"):
        with contextlib.suppress(OSError, ValueError, TypeError):
            if _NAME.fullmatch(folder.name):
                found.append(Checkpoint(folder, Place(**json.loads((folder / PLACE).read_text(encoding="utf-8")))))
    return sorted(found, key=lambda checkpoint: checkpoint.step)


def newest(run: Path) -> Checkpoint | None:
    """The one that a run goes on from."""
    return max(whole(run), key=lambda checkpoint: checkpoint.step, default=None)


def prune(run: Path, keep: int) -> None:
    """Remove all but the newest `keep`."""
    checkpoints = whole(run)
    for checkpoint in checkpoints[: max(len(checkpoints) - keep, 0)]:
        # Out of sight first: a half-removed one must not look whole.
        hidden = checkpoint.folder.with_name(f".{checkpoint.folder.name}.old")
        shutil.rmtree(hidden, ignore_errors=True)
        checkpoint.folder.rename(hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def remove_cut_off(run: Path) -> None:
    """Remove what a killed process left half-written."""
    for folder in folder_of(run).glob(".checkpoint-*"):
        shutil.rmtree(folder, ignore_errors=True)


def finish(scratch: Path, place: Place) -> Path:
    """Make a filled scratch folder a whole checkpoint: everything on the disk, then renamed. Returns its folder."""
    write_json(scratch / PLACE, place.to_dict())
    for file in scratch.iterdir():
        sync_path(file)
    sync_path(scratch)
    target = scratch.with_name(f"checkpoint-{place.step}")
    shutil.rmtree(target, ignore_errors=True)  # of the same step, from before the run was taken up again
    scratch.rename(target)
    sync_path(target.parent)
    return target


def rewind(metrics: Path, place: Place) -> None:
    """Drop the lines that metrics.jsonl got after the checkpoint: those steps will be taken again."""
    if not metrics.exists():
        metrics.touch()
    if metrics.stat().st_size > place.metrics:
        os.truncate(metrics, place.metrics)
        sync_path(metrics)
