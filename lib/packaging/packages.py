"""Packages of a run: ask for one, see how far it is, list those there are. No torch: screens use this.

runs/<id>/packages/<kind>/…     or a folder that was named; `manifest.json` is written last
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import BadInput, StorageError, WrongState
from lib.export.hub import check_repo_id
from lib.jobs import queue
from lib.jobs.queue import JobView
from lib.storage import MANIFEST, read_json, run_dir
from lib.training import runs
from lib.words import moment

KINDS = {"adapter": "package adapter", "merged": "package"}
"""Kind of package -> kind of job. A merged one is made by loading the model; an adapter need not wait for a device."""
MOST_TO_SEND = 100_000_000
"""Bytes of a package that a browser is handed; a larger one is fetched from its folder."""
DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class PackageView:
    """A package that is there, whole. `manifest`: see `lib.packaging.making`; `parity` is empty for an adapter."""

    run: str
    kind: str
    folder: Path
    manifest: dict[str, Any]

    @property
    def parity(self) -> dict[str, Any]:
        return self.manifest.get("parity") or {}

    @property
    def bytes(self) -> int:
        return sum(file["bytes"] for file in self.manifest["files"].values())

    def to_dict(self) -> dict[str, Any]:
        """The shape of `package --json`."""
        made = moment(self.manifest.get("made_at"))
        return {**self.manifest, "made_at": made, "out": str(self.folder), "bytes": self.bytes}


def submit(
    run_id: str,
    as_: str,
    user: str = "",
    out: str = "",
    dtype: str = "auto",
    licence: str = "",
    push: str = "",
    public: bool = False,
) -> int:
    """Queue the making of a package; returns the job's id.

    Args:
        as_: `adapter` or `merged`.
        out: an empty or new folder; empty: the run's own, where it takes the place of an earlier one.
        dtype: precision of a merged model's files; `auto` is that of its base.
        licence: what the card names, such as apache-2.0; empty: unknown.
        push: `owner/name` on the Hub to upload it to, private unless `public`.

    Raises:
        NotFound: no such run.
        WrongState: it goes on still, has no adapter, or is being packaged already.
        BadInput: no such kind or precision, an id that the Hub cannot have, a folder with something in it.
    """
    view = runs.get(run_id)
    if as_ not in KINDS:
        raise BadInput(f"{as_!r} is no kind of package.", f"Use one of: {', '.join(KINDS)}.")
    if dtype not in DTYPES or (as_ == "adapter" and dtype != "auto"):
        raise BadInput(f"The precision {dtype!r} cannot be had.", f"For a merged model: one of {', '.join(DTYPES)}.")
    if view.job.live or not view.has_adapter:
        raise WrongState(
            f"The run {run_id} is {view.status} and has no adapter yet.", "Wait until it ends, or stop it."
        )
    running = newest_job(run_id, as_)
    if running and running.live:
        raise WrongState(f"The run {run_id} is being packaged as {as_} already.", "Wait for that, or stop it.")
    if public and not push:
        raise BadInput("Public says how to push, and there is nothing to push to.", "Name owner/name, or leave it out.")
    if push:
        check_repo_id(push, "model")
    target = Path(out).expanduser().resolve() if out else None
    if target and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        raise BadInput(f"{target} is not empty.", "Name a new folder, or empty this one first.")
    payload = {
        "of": run_id,
        "as": as_,
        "out": str(target) if target else "",
        "dtype": dtype,
        "licence": licence,
        "push": push,
        "public": public,
    }
    return queue.submit(KINDS[as_], payload, user)


def newest_job(run_id: str, as_: str = "") -> JobView | None:
    """The last job that packaged a run (as that kind), live or ended."""
    wanted = [as_] if as_ else list(KINDS)
    found = [queue.newest(KINDS[kind], of=run_id) for kind in wanted]
    return max((job for job in found if job), key=lambda job: job.id, default=None)


def packages(run_id: str) -> list[PackageView]:
    """What lies in the run's own folder; unfinished and damaged ones are passed over."""
    found = []
    for kind in KINDS:
        folder = package_dir(run_id, kind)
        try:
            found.append(package_at(folder))
        except StorageError:
            continue
    return found


def package_at(folder: Path) -> PackageView:
    """Raises:
    StorageError: there is no whole package in that folder.
    """
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("kind") not in KINDS:
        raise StorageError(f"{folder} holds no package.", "Make it again.")
    return PackageView(manifest["run"], manifest["kind"], folder, manifest)


def zipped(package: PackageView) -> bytes:
    """Its files as a ZIP archive, in a folder named after run and kind. All of it in memory: see `MOST_TO_SEND`.

    Raises:
        StorageError: a file is gone or cannot be read.
    """
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted([*package.manifest["files"], MANIFEST]):
            try:
                archive.write(package.folder / name, f"{package.run}-{package.kind}/{name}")
            except OSError as error:
                told = f"{package.folder / name} cannot be read: {error.strerror}."
                raise StorageError(told, "Make the package again.") from error
    return held.getvalue()


def package_dir(run_id: str, kind: str) -> Path:
    return run_dir(run_id) / "packages" / kind
