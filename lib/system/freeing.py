"""What can be deleted without losing anything that was made in the studio: exports, and uploads that nobody imports."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib.database import note
from lib.errors import NotFound
from lib.jobs import queue
from lib.storage import disk_errors, exports_dir, uploads_dir
from lib.system import disk
from lib.words import counted, size

DAY = 86_400.0  # seconds: an upload of today may still be under somebody's eyes
WHAT = {
    "exports": "Files that were made for download. They can be made again.",
    "uploads": "Uploads of more than a day ago that no import needs.",
}


@dataclass(frozen=True)
class Freeable:
    """`name` is one of `WHAT`. `items`: files or folders; `size`: bytes."""

    name: str
    items: int
    size: int
    help: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def freeable() -> list[Freeable]:
    """What there is to free, the largest first; nothing of what a live job writes or reads."""
    found = []
    for name, help_text in WHAT.items():
        folders = _folders(name)
        if folders:
            found.append(Freeable(name, len(folders), sum(_size(folder) for folder in folders), help_text))
    return sorted(found, key=lambda one: -one.size)


def free(name: str, user: str) -> Freeable:
    """Delete it; returns what was deleted.

    Raises:
        NotFound: no such thing to free.
        StorageError: a folder cannot be written.
    """
    if name not in WHAT:
        raise NotFound(f"{name!r} is nothing that can be freed.", f"Choose one of: {', '.join(WHAT)}.")
    gone, bytes_ = 0, 0
    for folder in _folders(name):
        taken = _size(folder)
        with disk_errors(folder), contextlib.suppress(FileNotFoundError):  # somebody else frees the same
            shutil.rmtree(folder)
        gone, bytes_ = gone + 1, bytes_ + taken
    if gone:
        note(user, f"deleted {counted(gone, name.removesuffix('s'))}, {size(bytes_)}", "system?view=Storage")
    disk.forget()
    return Freeable(name, gone, bytes_, WHAT[name])


def _folders(name: str) -> list[Path]:
    return _exports() if name == "exports" else _uploads()


def _exports() -> list[Path]:
    folders = [folder for folder in _below(exports_dir()) if folder.name.isdecimal()]
    # Looked up after the folders: a job whose folder is there already was live by then.
    busy = {str(job.id) for job in queue.live_jobs("export")}
    return [folder for folder in folders if folder.name not in busy]


def _uploads() -> list[Path]:
    folders = _below(uploads_dir())
    busy = [Path(str(job.payload.get("source", ""))) for job in queue.live_jobs("import")]
    return [
        folder
        for folder in folders
        if time.time() - _changed(folder) > DAY and not any(source.is_relative_to(folder) for source in busy)
    ]


def _changed(folder: Path) -> float:
    """When the folder, or the newest file in it, was written."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:
        return time.time()


def _below(folder: Path) -> list[Path]:
    return (
        sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()) if folder.is_dir() else []
    )


def _size(folder: Path) -> int:
    """What goes away meanwhile counts nothing."""
    found = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            found += path.stat().st_size if path.is_file() and not path.is_symlink() else 0
    return found
