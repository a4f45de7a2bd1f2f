"""A new version comes into being: its number, its folder, its manifest."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib import storage
from lib.data.datasets import DatasetInfo, version_numbers
from lib.data.imports import scratch
from lib.errors import BadInput, NotFound, StorageError, WrongState
from lib.settings import settings

MESSAGE_LENGTH = 500  # characters
ATTEMPTS = 5


class OvertakenError(Exception):
    """What others did in between is in the way: look at what is there now, and start again."""


def check_message(message: str) -> str:
    """What a person says about a version, in its stored form.

    Raises:
        BadInput: nothing, or too much.
    """
    text = message.strip()
    if not text:
        raise BadInput("There is no message.", "Say in a few words what is new in this version.")
    if len(text) > MESSAGE_LENGTH:
        raise BadInput(f"The message has {len(text):,} characters.", f"Write {MESSAGE_LENGTH} at most.")
    return text


def latest(name: str) -> int:
    """The number of a dataset's newest version, 0 when there is none."""
    return max(version_numbers(name), default=0)


@contextlib.contextmanager
def folder_of(name: str, version: int) -> Iterator[Path]:
    """A folder to fill, which becomes that version when the block ends well.

    Raises:
        OvertakenError: there is such a version by now.
        NotFound: the dataset was removed in the meantime.
        StorageError: disk full.
    """
    target = storage.version_dir(name, version)
    try:
        with scratch.folder(target) as folder:
            yield folder
    except StorageError as error:
        if target.exists():
            raise OvertakenError from error
        raise
    except FileNotFoundError as error:
        raise NotFound(f"The dataset {name} was removed in the meantime.", "Import it again.") from error


def write_manifest(folder: Path, base: DatasetInfo, recipe: dict[str, Any], user: str, **changed: Any) -> None:
    """The manifest of a version that is as `base` but for what changed; the last file to be written."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    info = replace(base, refused=0, recipe=recipe, created_at=now, user=user or settings.user, **changed)
    manifest = info.to_dict()
    del manifest["path"]
    storage.write_json(folder / storage.MANIFEST, manifest)


def until_made(name: str, make: Callable[[], DatasetInfo]) -> DatasetInfo:
    """Make a version, again where others were quicker.

    Raises:
        WrongState: others keep being quicker.
    """
    for _ in range(ATTEMPTS):
        with contextlib.suppress(OvertakenError):
            return make()
    raise WrongState(f"Others keep adding versions to {name}.", "Wait for them, then start again.")
