"""The jobs `package` and `package adapter`: a package, whole or not at all, on request pushed to the Hub."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from lib import scratch
from lib.database import note
from lib.errors import Stopped, StorageError, WrongState
from lib.export.hub import push_to_hub
from lib.jobs.context import JobContext
from lib.packaging.making import make_adapter, make_merged
from lib.packaging.packages import package_at, package_dir
from lib.settings import settings
from lib.storage import disk_errors, replaced_folder
from lib.training import runs


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Returns the manifest of the package with `out`, `bytes` and the address `pushed`, empty without a push.

    Raises:
        Stopped: on request; nothing is left.
        ModelError: the merged model does not say what the adapter says; nothing is left.
        StudioError: see `making` and `push_to_hub`. What was made stays when only the push failed.
    """
    view, kind = runs.get(payload["of"]), payload["as"]
    if view.job.live or not view.has_adapter:
        raise WrongState(f"The run {view.id} is {view.status} and has no adapter.", "Wait until it ends.")

    def say(text: str, done: int, total: int | None) -> None:
        if job.stopping:
            raise Stopped("Packaging was stopped.", "Nothing of it was kept; start it again.")
        job.progress(done, total, text)

    job.start_clock()
    target = Path(payload["out"]) if payload["out"] else package_dir(view.id, kind)
    own = scratch.new_folder(target) if payload["out"] else replaced_folder(target)
    with _full_disk(target), disk_errors(target), own as folder:
        folder.chmod(0o755)
        if kind == "adapter":
            make_adapter(view, folder, payload["licence"], say)
        else:
            make_merged(view, folder, payload["dtype"], payload["licence"], say)
        _share(folder)
    made = package_at(target)
    pushed = ""
    if payload["push"]:
        say("uploading", 0, None)
        pushed = push_to_hub(target, payload["push"], private=not payload["public"], kind="model")
    note(settings.user, f"packaged run {view.id} as {kind}", f"runs?run={view.id}")
    return {**made.to_dict(), "pushed": pushed}


def _share(folder: Path) -> None:
    """Files of the studio itself are private. Whoever serves a package may be another user: as the umask has it."""
    mask = os.umask(0)
    os.umask(mask)
    for file in folder.iterdir():
        file.chmod(0o666 & ~mask)


@contextlib.contextmanager
def _full_disk(target: Path) -> Any:
    """safetensors reports a full disk as an error of its own kind."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        if "No space left" not in str(error):
            raise
        raise StorageError(f"The disk that holds {target} is full.", "Free some space, then start again.") from error
