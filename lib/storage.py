"""Where everything lies under the home folder, and how it is written: whole or not at all.

    studio.db                                                unless STUDIO_DATABASE_URL names another place
    datasets/<name>/v0001/{rows.parquet,manifest.json}
    edits/<name>/v0001/{overlay,change}-*.parquet            of many rows; single ones are in the database
    checks/<name>/v0001.parquet                              \\
    measures/<name>/v0001/{texts,tokens-<model>}.parquet      what was found out: made again when it is gone
    lint/<name>/v0001/<settings>.parquet                     /
    models/<name>/                                           models/.fetch-*: a download that is not whole yet
    templates/<name>/{v0001.json,deleted}
    runs/<id>/{config.json,metrics.jsonl,samples.jsonl,log.txt,checkpoints/,adapter/,packages/,manifest.json}
    presets/<name>.json · dry-runs/<key>.json
    comparisons/<id>/{start.json,questions.jsonl,leaks.json,outputs.jsonl,outputs.parquet,result.json}
    exports/<job>/<file>                                     the newest ones
    uploads/<any>/<file>                                     until it is imported
    jobs/<id>/{log.txt,refused.jsonl}                        refused: rows of an import; the log of a run is with it
    engine.json                                              port and token of the live inference engine
    worker.log · .upgrade.lock · .*                          scratch begins with a dot

A manifest is written last: a folder without one is unfinished and is not shown.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lib.errors import BadInput, StorageError
from lib.settings import settings

MANIFEST = "manifest.json"
RENDERER = "renderer.json"  # beside an adapter: the template that its data were written in, and its base
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_name(name: str, what: str = "name") -> str:
    """Return `name` when it is safe as a folder's name and in an address.

    Raises:
        BadInput: anything but lower-case letters, digits, `.`, `_`, `-`, 64 characters at most.
    """
    if not NAME_PATTERN.fullmatch(name) or ".." in name:
        raise BadInput(
            f"{name!r} cannot be used as a {what}.",
            "Use lower-case letters, digits, '-', '_' and '.', starting with a letter or digit (64 at most).",
        )
    return name


def suggest_name(text: str) -> str:
    """The nearest valid name to any text, such as a file's name without its ending."""
    name = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64]
    return name or "dataset"


def datasets_dir() -> Path:
    return settings.home / "datasets"


def dataset_dir(name: str) -> Path:
    return datasets_dir() / check_name(name, "dataset name")


def version_dir(name: str, version: int) -> Path:
    return dataset_dir(name) / f"v{version:04d}"


def checks_file(name: str, version: int) -> Path:
    return settings.home / "checks" / check_name(name, "dataset name") / f"v{version:04d}.parquet"


def edits_dir(name: str, version: int) -> Path:
    return settings.home / "edits" / check_name(name, "dataset name") / f"v{version:04d}"


def measures_dir(name: str, version: int) -> Path:
    return settings.home / "measures" / check_name(name, "dataset name") / f"v{version:04d}"


def lint_file(name: str, version: int, key: str) -> Path:
    return settings.home / "lint" / check_name(name, "dataset name") / f"v{version:04d}" / f"{check_name(key)}.parquet"


def models_dir() -> Path:
    return settings.home / "models"


def templates_dir() -> Path:
    return settings.home / "templates"


def runs_dir() -> Path:
    return settings.home / "runs"


def run_dir(run: str) -> Path:
    return runs_dir() / check_name(run, "run id")


def comparison_dir(comparison: int) -> Path:
    return settings.home / "comparisons" / str(int(comparison))


def job_dir(job: int) -> Path:
    return settings.home / "jobs" / str(int(job))


def uploads_dir() -> Path:
    return settings.home / "uploads"


def exports_dir() -> Path:
    return settings.home / "exports"


def engine_file() -> Path:
    return settings.home / "engine.json"


@contextlib.contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into a `StorageError` that names the place."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(f"The disk that holds {where} is full.", "Free some space, then start again.") from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise StorageError(f"{where} cannot be written.", "Check the folder's permissions.") from error
        if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ENAMETOOLONG):
            raise StorageError(
                f"{where} cannot be written: {error.strerror}.", "A file or folder is in its way; choose another place."
            ) from error
        raise


def sync(file: IO[bytes]) -> None:
    """Have the operating system put a file's content on the disk."""
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """`sync` of a file by its path; of a folder, the names in it: a new or renamed file may else be gone."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a file so that readers see the old content or the new one, never a part.

    Raises:
        StorageError: disk full or folder not writable.
    """
    with disk_errors(path):
        make_parent(path)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
            sync_path(path.parent)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """`write_text` of an indented JSON document. Halves of characters, as in odd names of files, are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON document of ours.

    Raises:
        StorageError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StorageError(
            f"{path} is missing.", "It may have been removed by hand; restore it or delete its folder."
        ) from error
    except ValueError as error:
        raise StorageError(f"{path} is damaged.", "Restore it from a backup or delete its folder.") from error


def sync_folder(folder: Path) -> None:
    """Have a folder with all that it holds on the disk."""
    for made in [*folder.rglob("*"), folder]:
        if not made.is_symlink():
            sync_path(made)


def make_parent(target: Path) -> None:
    """Make the folder that `target` is to lie in.

    Raises:
        StorageError: there can be no such folder, as in /proc.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        raise StorageError(f"{target} cannot be written: there can be no such folder.", "Choose another.") from error


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Fill a scratch folder beside `target`, which appears under its name only when the block ends well.

    Raises:
        StorageError: disk full, or the target already exists.
    """
    with hidden_folder(target) as scratch:
        yield scratch
        show_folder(scratch, target)


@contextlib.contextmanager
def hidden_folder(target: Path) -> Iterator[Path]:
    """A scratch folder beside `target`, which goes at the end unless `show_folder` has given it a name.

    Raises:
        StorageError: disk full or folder not writable.
    """
    with disk_errors(target):
        make_parent(target)
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def show_folder(scratch: Path, target: Path) -> None:
    """Give a filled `hidden_folder` its name, with all that it holds on the disk.

    Raises:
        StorageError: the target already exists.
    """
    with disk_errors(target):
        if target.exists():
            raise StorageError(f"{target} already exists.", "Another process made it; start again.")
        scratch.chmod(0o755)
        sync_folder(scratch)
        scratch.rename(target)
        sync_path(target.parent)


@contextlib.contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """`new_folder` for a target that may be there: the old one goes when the new one is whole. One process at a time.

    Raises:
        StorageError: disk full or folder not writable.
    """
    fresh, old = (target.with_name(f".{target.name}.{word}") for word in ("new", "old"))
    with disk_errors(target):
        for left in (fresh, old, *target.parent.glob(f".{fresh.name}.*")):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        with new_folder(fresh) as folder:
            yield folder
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)
