"""The folder in which an import is made: locked while its process lives, so that the next import can sweep it after."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from lib import storage

LOCK = "import.lock"


@contextlib.contextmanager
def folder(target: Path) -> Iterator[Path]:
    """`storage.new_folder`, after what killed imports of the same dataset left behind is removed.

    Raises:
        StorageError: see there.
    """
    sweep(target.parent)
    lock = None
    try:
        with storage.new_folder(target) as made:
            lock = FileLock(made / LOCK)
            lock.acquire()
            yield made
        (target / LOCK).unlink(missing_ok=True)
    finally:
        if lock is not None:
            lock.release()


def sweep(dataset: Path) -> None:
    """Remove scratch folders of imports whose process has ended; those of other work have no lock file and stay."""
    for file in dataset.glob(f".v*/{LOCK}"):
        lock = FileLock(file)
        try:
            with lock.acquire(blocking=False):
                shutil.rmtree(file.parent, ignore_errors=True)
        except Timeout:
            continue  # its import is under way
