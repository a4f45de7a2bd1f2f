"""Files and folders that appear under their name whole or not at all, and what killed processes left of them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from lib.errors import StorageError
from lib.storage import disk_errors, make_parent, sync_folder, sync_path

_HOST = socket.gethostname()
_LEFT = re.compile(r"\..+\.(\d+)-[0-9a-f]{8}@(.+)\.part", re.DOTALL)
_NAME_BYTES = 100  # of the target's name: systems allow 255 in all


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to, which takes its place, on the disk, when the block ends well.

    Raises:
        StorageError: disk full, or the target cannot be written.
    """
    with disk_errors(target), beside(target) as scratch:
        yield scratch
        sync_path(scratch)
        scratch.replace(target)


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder beside `target` to fill, which gets its name when the block ends well.

    Raises:
        StorageError: disk full, or there is such a folder already, with something in it.
    """
    with disk_errors(target):
        if target.is_dir() and any(target.iterdir()):
            raise StorageError(f"The folder {target} is not empty.", "Name a new folder, or empty this one first.")
        with beside(target) as scratch:
            scratch.mkdir()
            yield scratch
            sync_folder(scratch)
            scratch.rename(target)
            sync_path(target.parent)


@contextlib.contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A hidden path next to `target` for a file or a folder; removed at the end when something is still there."""
    make_parent(target)
    sweep(target.parent)
    name = os.fsencode(target.name)[:_NAME_BYTES].decode(errors="ignore")
    scratch = target.with_name(f".{name}.{os.getpid()}-{secrets.token_hex(4)}@{_HOST}.part")
    try:
        yield scratch
    finally:
        _remove(scratch)


def sweep(folder: Path) -> None:
    """Remove what processes of this machine that were killed left in a folder."""
    for path in folder.glob(".*.part"):
        left = _LEFT.fullmatch(path.name)
        if left and left[2] == _HOST and not psutil.pid_exists(int(left[1])):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
