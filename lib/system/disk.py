"""What the home takes on the disk, part by part. A large home takes a while, so a page measures it in the background.

measure()              now, however long it takes: for commands
latest(wait=0.3)       the last measurement, or None; begins another when it is old or there is none
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib.settings import settings
from lib.words import moment

KEPT_SECONDS = 120.0
PARTS = {
    "datasets": "Dataset versions, and what was kept of their edits.",
    "models": "Models, and downloads that are not whole yet.",
    "runs": "Adapters, checkpoints, packages, curves and logs of runs.",
    "comparisons": "Questions, answers and scores.",
    "exports": "Files made for download; the newest twenty are kept.",
    "uploads": "Uploaded files that are not imported, or not yet.",
    "found out": "Checks, lengths, tokens and lint; made again when it is gone.",
    "database": "Jobs, edits, votes and activity.",
    "other": "Templates, presets, logs of jobs and of the worker.",
}
"""Parts of the home, as people know them."""
_FOLDERS = {
    "edits": "datasets",
    "checks": "found out",
    "measures": "found out",
    "lint": "found out",
    "studio.db": "database",
    "studio.db-wal": "database",
    "studio.db-shm": "database",
}


@dataclass(frozen=True)
class Usage:
    """Bytes of each of `PARTS`, of the whole disk and free on it. `measured_at` in seconds since 1970."""

    home: str
    parts: dict[str, int]
    total: int
    free: int
    measured_at: float

    @property
    def used(self) -> int:
        """Bytes that the home takes."""
        return sum(self.parts.values())

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "used": self.used, "measured_at": moment(self.measured_at)}


def measure() -> Usage:
    """Look at every file of the home. What links lead to is not counted: it lies elsewhere."""
    home = settings.home
    parts = dict.fromkeys(PARTS, 0)
    with contextlib.suppress(OSError), os.scandir(home) as entries:
        for entry in entries:
            name = _FOLDERS.get(entry.name, entry.name)
            parts[name if name in parts else "other"] += _size(entry)
    disk = shutil.disk_usage(_existing(home))
    return Usage(str(home), parts, disk.total, disk.free, time.time())


def latest(wait: float = 0.3) -> Usage | None:
    """The last measurement of this home by this process; None while the first one takes longer than `wait` seconds."""
    home = str(settings.home)
    known = _known.get(home)
    if known is None or time.time() - known.measured_at > KEPT_SECONDS:
        thread = _begin(home)
        if known is None:
            thread.join(wait)
    return _known.get(home)


def forget() -> None:
    """Measure again at the next look: something was deleted."""
    _known.clear()


_known: dict[str, Usage] = {}
_threads: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def _begin(home: str) -> threading.Thread:
    """The thread that measures; only one for a home."""
    with _lock:
        thread = _threads.get(home)
        if thread is None or not thread.is_alive():
            thread = _threads[home] = threading.Thread(target=_work, name="disk use", daemon=True)
            thread.start()
        return thread


def _work() -> None:
    with contextlib.suppress(OSError):
        found = measure()
        _known[found.home] = found


def _size(entry: os.DirEntry[str]) -> int:
    """Bytes of a file, or of all files below a folder; what goes away meanwhile counts nothing."""
    with contextlib.suppress(OSError):
        if entry.is_symlink():
            return 0
        if not entry.is_dir():
            return entry.stat(follow_symlinks=False).st_size
        with os.scandir(entry.path) as entries:
            return sum(_size(below) for below in entries)
    return 0


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that there is."""
    return next(place for place in (path, *path.parents) if place.exists())
