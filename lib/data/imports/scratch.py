"""The folder in which an import is made: locked while its process lives, so that the next import can sweep it after."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import lock_descriptor

from lib import storage

LOCK = "import.lock"


@contextlib.contextmanager
def folder(target: Path) -> Iterator[Path]:
    """`storage.new_folder`, after what killed imports of the same dataset left behind is removed.

    Raises:
        StorageError: see there.
    """
    with hidden(target) as made:
        yield made
        show(made, target)


@contextlib.contextmanager
def hidden(target: Path) -> Iterator[Path]:
    """The same without its name, which `show` gives it: `target` or another version beside it."""
    sweep(target.parent)
    with storage.hidden_folder(target) as made:
        unseen = made / f"new-{LOCK}"  # until it is locked: a sweep would take it for one of a dead process
        with unseen.open("xb") as lock:
            lock_descriptor(lock.fileno())
            unseen.rename(made / LOCK)
            yield made


def show(made: Path, target: Path) -> None:
    """`storage.show_folder`, and the lock goes."""
    storage.show_folder(made, target)
    (target / LOCK).unlink(missing_ok=True)


def sweep(dataset: Path) -> None:
    """Remove scratch folders of imports whose process has ended; those of other work have no lock file and stay."""
    for path in dataset.glob(f".v*/{LOCK}"):
        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:  # not there: it has its name by now
            if lock_descriptor(file.fileno(), blocking=False):
                shutil.rmtree(path.parent, ignore_errors=True)
