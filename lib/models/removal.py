"""Deleting a model, unless a live job needs it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import select

from lib.database import Comparison, Run, note, session
from lib.errors import NotFound, StudioError, WrongState
from lib.jobs import queue
from lib.models import catalog
from lib.models.details import ModelInfo
from lib.models.download import unfinished
from lib.models.job import KIND
from lib.storage import disk_errors, models_dir


def delete_model(name: str, user: str) -> Path:
    """Delete a model below the home's `models/`, or what has come of an unfinished download; returns where it was.

    Raises:
        NotFound: no such model.
        WrongState: a live job uses it, or it lies outside the home.
    """
    folder, id_ = _folder(name)
    if folder.parent != models_dir():
        raise WrongState(
            f"{name} lies in {folder}, outside the studio's home.", "Delete it there yourself if nothing else uses it."
        )
    if busy := _used_by(id_, folder):
        raise WrongState(f"The model {name} is in use by {busy}.", "Wait for it, or stop it; then delete the model.")
    with disk_errors(models_dir()):
        if folder.is_symlink():
            folder.unlink()
        else:
            # Gone from the list at once, however long the removal takes.
            grave = Path(tempfile.mkdtemp(dir=models_dir(), prefix=".deleted-"))
            folder.rename(grave / folder.name.lstrip("."))
            shutil.rmtree(grave, ignore_errors=True)
    note(user, f"deleted the model {name}")
    return folder


def runs_on(model: ModelInfo) -> list[str]:
    """Runs whose adapters need this model, newest first."""
    with session() as opened:
        rows = opened.execute(select(Run.id, Run.model).order_by(Run.created_at.desc())).all()
    return [run for run, used in rows if _is(used, model.path)]


def _folder(name: str) -> tuple[Path, str]:
    """Where it lies, and the id that a download of it would have."""
    try:
        return catalog.find(name).path, name
    except StudioError as error:
        for partial in unfinished():
            if name in (partial.id, partial.path.name):
                return partial.path, partial.id
        broken = models_dir() / name
        if "/" not in name and not name.startswith(".") and broken.is_dir():
            return broken, name  # one that cannot be used is deleted by its folder's name
        raise NotFound(error.message, error.hint) from error


def _used_by(id_: str, folder: Path) -> str:
    """The live job that needs the folder, in words; empty when there is none."""
    live = {job.id: job for job in queue.live_jobs()}
    with session() as opened:
        models = {run.id: (run.model, run.job_id) for run in opened.scalars(select(Run))}
        comparisons = opened.scalars(select(Comparison).where(Comparison.job_id.in_(live)))
        compared = {one.id: [side["model"] for side in one.config.get("sides", [])] for one in comparisons}
    for run, (model, job_id) in models.items():
        if job_id in live and _is(model, folder):
            return f"the run {run}"
    for number, asked in compared.items():
        if any(_is(model, folder) for model in asked):
            return f"comparison {number}"
    for job in live.values():
        if job.kind == KIND:
            if job.payload["model"] == id_:
                return "its download"
        elif _is(str(job.payload.get("model") or job.progress.get("model") or ""), folder) or _is(
            models.get(str(job.payload.get("of")), ("", 0))[0],
            folder,  # a run that is packaged, with its base
        ):
            return f"a job ({job.kind})"
    return ""


def _is(used: str, folder: Path) -> bool:
    try:
        return bool(used) and catalog.find(used).path.resolve() == folder.resolve()
    except StudioError:
        return False
