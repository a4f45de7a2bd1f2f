"""Versions made of other versions as they are: an old one becomes the latest again, or a dataset of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lib import storage
from lib.data.datasets import ROWS, DatasetInfo, DatasetRef, get, version_numbers
from lib.data.versions.content import content_hash
from lib.data.versions.making import OvertakenError, check_message, folder_of, until_made, write_manifest
from lib.data.versions.review import unsaved
from lib.database import note
from lib.errors import WrongState
from lib.words import counted


def restore(name: str, version: int, message: str, user: str, discard: bool = False) -> DatasetInfo:
    """Make the content of an old version the latest version, and return that.

    Unsaved edits of the latest version are in the way; with `discard` they stay behind, in its journal.

    Raises:
        NotFound: no such dataset or version.
        WrongState: that is the latest version, or the latest has unsaved edits.
        BadInput: no message, or one that is too long.
        StorageError: disk full, or the old version's file is damaged.
    """
    text = check_message(message)
    base = get(DatasetRef(name, version))
    made = until_made(name, lambda: _restored(base, text, user, discard))
    note(user, f"restored {base.ref} as {made.ref}: {text}", f"datasets?dataset={made.ref}")
    return made


def _restored(base: DatasetInfo, message: str, user: str, discard: bool) -> DatasetInfo:
    newest = get(base.name)
    if newest.version == base.version:
        raise WrongState(f"{base.ref} is the latest version.", "There is nothing to restore.")
    if not discard and (edits := unsaved(newest)):
        raise WrongState(
            f"{newest.ref} has {counted(edits, 'row')} with unsaved edits.",
            "Save them first, or say that they are to be left behind (discard).",
        )
    recipe = {"kind": "restore", "base": base.version, "message": message}
    with folder_of(base.name, newest.version + 1) as folder:
        _take_rows(base, folder)
        write_manifest(
            folder, base, recipe, user, version=newest.version + 1, parent=newest.version, hash=content_hash(base)
        )
    return get(DatasetRef(base.name, newest.version + 1))


def branch(ref: str, new_name: str, user: str) -> DatasetInfo:
    """Make a version the first one of a new dataset, and return that. Unsaved edits are not taken along.

    Raises:
        NotFound: no such dataset or version.
        WrongState: there is a dataset of the new name.
        BadInput: the new name cannot be used.
        StorageError: disk full, or the version's file is damaged.
    """
    base = get(ref)
    storage.check_name(new_name, "dataset name")
    taken = WrongState(f"There is a dataset {new_name} already.", "Choose another name.")
    if version_numbers(new_name):
        raise taken
    recipe = {"kind": "branch", "from": base.ref}
    try:
        with folder_of(new_name, 1) as folder:
            _take_rows(base, folder)
            write_manifest(folder, base, recipe, user, name=new_name, version=1, parent=None, hash=content_hash(base))
    except OvertakenError as error:
        raise taken from error
    note(user, f"branched {base.ref} as {new_name}", f"datasets?dataset={new_name}@1")
    return get(DatasetRef(new_name, 1))


def _take_rows(base: DatasetInfo, folder: Path) -> None:
    """Stored rows never change, so two versions may share a file; where the disk cannot do that it is copied."""
    try:
        os.link(base.rows_file, folder / ROWS)
    except OSError:
        with storage.disk_errors(folder):
            shutil.copyfile(base.rows_file, folder / ROWS)
