"""A model from the Hub into `models/<owner>--<name>--<commit>/`, a plain folder.

Not into the cache that the Hub's client keeps: there a killed download starts again from nothing, files are links, and
it lies on another disk than the home that people chose for what the studio stores.

.fetch-<owner>--<name>--<commit>/   what has come: <file>.part, and <file> once it is whole and its hash is right
manifest.json                       written last: repository, commit, licence, files with sizes and SHA-256

The folder appears under its name when all is there. Killed, stopped or without network, the next download of the same
model goes on with what has come.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lib.errors import NotFound, Stopped, StorageError
from lib.jobs.context import JobContext
from lib.models import catalog
from lib.models.details import ModelInfo
from lib.models.fetching import fetch_file
from lib.models.hub import HubFile, HubModel, endpoint, file_url, look
from lib.models.hub_errors import explained
from lib.models.ids import HubId
from lib.models.weights import file_hash, remember, weight_files
from lib.storage import MANIFEST, disk_errors, models_dir, read_json, write_json
from lib.words import size

AT_ONCE = 4  # files
SPARE = 100_000_000  # bytes of disk that are left alone
PLAN = "plan.json"


@dataclass(frozen=True)
class Unfinished:
    """A download that has not come to its end. `done`, `total`: bytes."""

    id: str
    commit: str
    done: int
    total: int
    path: Path

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "commit": self.commit, "done": self.done, "total": self.total, "path": str(self.path)}


def fetch(name: str, job: JobContext) -> ModelInfo:
    """`find`, after a download when the name is a Hub id that is not on this machine yet."""
    try:
        return catalog.find(name)
    except NotFound:
        if not catalog.is_hub_id(name):
            raise
    return download(name, job)


def download(name: str, job: JobContext) -> ModelInfo:
    """Bring a model from the Hub here, at the commit that its revision now has. Does nothing when that is here.

    Raises:
        BadInput, NotFound, ModelError: see `look` and `HubModel.check`.
        StorageError: not enough room, or a file did not arrive whole.
        Stopped: on request.
    """
    job.progress(0, None, f"looking at {name} on the Hub")
    model = look(name).check()
    target = models_dir() / f"{model.id.folder}--{model.commit[:12]}"
    with disk_errors(models_dir()), _alone(target.name, job):
        if not target.exists():
            scratch = models_dir() / f".fetch-{target.name}"
            _plan(model, scratch)
            _fetch_all(model, scratch, job)
            _finish(model, scratch, target)
    return catalog.find(target.name).named(name)


def unfinished() -> list[Unfinished]:
    """Downloads that were stopped, failed or are under way."""
    found = []
    for plan in models_dir().glob(f".fetch-*/{PLAN}"):
        with contextlib.suppress(StorageError, KeyError, OSError):  # it may end while one looks
            known = read_json(plan)
            id_ = str(HubId(known["repo"], known["revision"]))
            found.append(Unfinished(id_, known["commit"], _there(plan.parent), known["size"], plan.parent))
    return found


def _plan(model: HubModel, scratch: Path) -> None:
    """Check the room, and clear away what came of the same revision when it had another commit.

    Raises:
        StorageError: the disk is too small.
    """
    for earlier in unfinished():
        if earlier.id == str(model.id) and earlier.path != scratch:
            shutil.rmtree(earlier.path, ignore_errors=True)
    scratch.mkdir(parents=True, exist_ok=True)
    missing = model.size - _there(scratch)
    free = shutil.disk_usage(scratch).free
    if missing > free - SPARE:
        raise StorageError(
            f"{model.id} needs {size(missing)} more, and the disk that holds {models_dir()} has {size(free)} free.",
            "Free some space (models that nobody uses can be deleted), or move the home with STUDIO_HOME.",
        )
    about = {"repo": model.repo, "revision": model.revision, "commit": model.commit, "size": model.size}
    write_json(scratch / PLAN, about)


def _there(scratch: Path) -> int:
    """Bytes of the files; one that is renamed meanwhile counts nothing."""
    found = 0
    for file in scratch.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += file.stat().st_size if file.name != PLAN else 0
    return found


def _fetch_all(model: HubModel, scratch: Path, job: JobContext) -> None:
    told = _Told(job, model, _there(scratch))
    # The largest first: the small ones fit in between.
    files = sorted(model.files, key=lambda file: -file.size)

    def one(file: HubFile) -> None:
        target = scratch / file.name
        if not target.exists():
            try:
                fetch_file(file_url(model.repo, model.commit, file.name), file, target, told)
            except BaseException:
                told.ended.set()
                raise

    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(one, file) for file in files]
    errors = [error for error in (future.exception() for future in running) if error is not None]
    # That one failed ends the others: the cause is the one to tell.
    errors.sort(key=lambda error: isinstance(error, Stopped))
    if not errors:
        return
    if getattr(errors[0], "errno", None) is not None or not isinstance(errors[0], Exception):  # of the disk, say
        raise errors[0]
    raise explained(errors[0], model.asked, endpoint()) from errors[0]


def _finish(model: HubModel, scratch: Path, target: Path) -> None:
    files = [
        {"name": file.name, "size": file.size, "sha256": file.sha256 or file_hash(scratch / file.name)}
        for file in model.files
    ]
    wanted = {MANIFEST, PLAN, *(file.name for file in model.files)}
    for stray in [path for path in scratch.iterdir() if path.name not in wanted]:
        stray.unlink()
    about = {key: getattr(model, key) for key in ("repo", "asked", "revision", "commit", "license", "gated")}
    about["asked"] = HubId.parse(model.asked).repo
    write_json(scratch / MANIFEST, {**about, "endpoint": endpoint(), "fetched_at": time.time(), "files": files})
    (scratch / PLAN).unlink()
    scratch.rename(target)
    hashes = {str(file["name"]): str(file["sha256"]) for file in files}
    remember(target, [hashes[file.name] for file in weight_files(target)])


class _Told:
    """Adds up the bytes of all files, says how far it is, and ends the work on request or when a file fails."""

    def __init__(self, job: JobContext, model: HubModel, there: int) -> None:
        self.ended = threading.Event()
        self._job, self._model = job, model
        self._start = self._done = there
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self(0)

    def __call__(self, count: int) -> None:
        with self._lock:
            self._done += count
            seconds = max(time.monotonic() - self._began, 1e-6)
            rate = max(self._done - self._start, 0) / seconds
            left = self._model.size - self._done
            text = f"fetching {self._model.id}: {size(self._done)} of {size(self._model.size)}"
            text += f" at {size(rate)}/s" if rate else ""
            self._job.progress(
                self._done, self._model.size, text, unit="bytes", rate=rate, seconds_left=left / rate if rate else None
            )
        if self._job.stopping or self.ended.is_set():
            raise Stopped("The download was stopped.", "What has come is kept; fetch it again to go on.")


@contextlib.contextmanager
def _alone(name: str, job: JobContext) -> Iterator[None]:
    """Only one process at a time fetches a model: another waits, and then finds it there."""
    place = models_dir() / ".locks"
    place.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place / name)
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            job.progress(0, None, "another job fetches the same model; waiting for it")
            if job.stopping:
                raise Stopped("The download was stopped.", "Another job still fetches the same model.") from None
    try:
        yield
    finally:
        lock.release()
