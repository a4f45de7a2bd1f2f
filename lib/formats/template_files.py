"""Saved templates on the disk: `templates/<name>/v0001.json`, each version written once and never again.

A file `deleted` holds the number of the last version that is hidden: runs still find it by `name@version`.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from lib.errors import NotFound, StorageError
from lib.storage import NAME_PATTERN, check_name, disk_errors, read_json, templates_dir, write_json, write_text

_FILE = re.compile(r"v(\d{4,})\.json")
_DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class SavedTemplate:
    """One version of a template. `created_at`: ISO 8601, UTC."""

    name: str
    version: int
    source: str
    note: str
    created_by: str
    created_at: str

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"


def split_ref(ref: str) -> tuple[str, int | None]:
    """`mine@2` -> ("mine", 2), `mine` -> ("mine", None).

    Raises:
        NotFound: no name of a template can look like this.
    """
    name, at, version = ref.partition("@")
    if not NAME_PATTERN.fullmatch(name) or ".." in name or (at and not (version.isdecimal() and len(version) < 10)):
        raise NotFound(f"There is no template called {ref!r}.", "Name it as mine or mine@2.")
    return name, int(version) if at else None


def names() -> list[str]:
    """Names that have a version which is not hidden, in order."""
    if not templates_dir().is_dir():
        return []
    folders = (entry.name for entry in os.scandir(templates_dir()) if entry.is_dir())
    found = (name for name in folders if NAME_PATTERN.fullmatch(name) and ".." not in name)
    return sorted(name for name in found if newest(name))


def versions(name: str) -> list[int]:
    """Numbers of the versions that are not hidden, oldest first."""
    folder = _folder(name)
    return [number for number in _numbers(folder) if number > _hidden(folder)]


def newest(name: str) -> int:
    """The newest version that is not hidden; 0 when there is none. A few looks at the disk, no listing."""
    folder = _folder(name)
    number = _reached.get(folder, 0)
    if not number or not _file(folder, number).exists():  # never looked, or removed by hand
        number = max(_numbers(folder), default=0)
    while _file(folder, number + 1).exists():
        number += 1
    _reached[folder] = number
    return number if number > _hidden(folder) else 0


_reached: dict[Path, int] = {}
"""The newest version that was seen, by folder: versions only come after it."""


def exists(name: str, version: int) -> bool:
    """Whether that version was ever saved, hidden or not."""
    return _file(_folder(name), version).exists()


def read(name: str, version: int) -> SavedTemplate:
    """A version, hidden or not; remembered, as it never changes.

    Raises:
        StorageError: the file is missing or damaged.
    """
    return _read(_file(_folder(name), version), name, version)


def write(template: SavedTemplate) -> SavedTemplate:
    """Save as the next version after those there are, whatever its number says; what was saved.

    Raises:
        StorageError: disk full or folder not writable.
    """
    folder = _folder(template.name)
    content = {key: value for key, value in asdict(template).items() if key not in ("name", "version")}
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".new.") as scratch:
            draft = Path(scratch) / "template.json"
            write_json(draft, content)
            number = max(_numbers(folder), default=0) + 1
            while not _place(draft, _file(folder, number)):
                number += 1
    return read(template.name, number)


def hide(name: str) -> None:
    """Hide every version there is now."""
    folder = _folder(name)
    write_text(folder / _DELETED, f"{max(_numbers(folder), default=0)}\n")


def _place(draft: Path, target: Path) -> bool:
    """Give a finished file its name, unless somebody else has taken it."""
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        return False
    return True


def _folder(name: str) -> Path:
    return templates_dir() / check_name(name, "template name")


def _file(folder: Path, version: int) -> Path:
    return folder / f"v{version:04d}.json"


def _numbers(folder: Path) -> list[int]:
    found = [_FILE.fullmatch(entry.name) for entry in os.scandir(folder)] if folder.is_dir() else []
    return sorted(int(match[1]) for match in found if match)


def _hidden(folder: Path) -> int:
    """The last version that was deleted; 0 when none was."""
    try:
        return int((folder / _DELETED).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except ValueError as error:
        raise StorageError(f"{folder / _DELETED} is damaged.", "Remove the file.") from error


@lru_cache(maxsize=256)
def _read(path: Path, name: str, version: int) -> SavedTemplate:
    content = read_json(path)
    try:
        texts = {key: str(content[key]) for key in ("source", "note", "created_by", "created_at")}
    except (KeyError, TypeError) as error:
        raise StorageError(f"{path} is damaged.", "Restore it from a backup or delete it.") from error
    return SavedTemplate(name, version, **texts)
