"""Runs: create one, list them, read what they wrote. What a run is made of lies in `runs/<id>/` and in its job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from lib import models
from lib.data import datasets
from lib.database import Job, Run, note, session
from lib.database.models import LIVE
from lib.errors import BadInput, NotFound, WrongState
from lib.formats import get_template
from lib.jobs import queue
from lib.storage import read_json, run_dir, write_json
from lib.training.config import TrainConfig
from lib.training.names import new_name
from lib.training.run_view import RESULT_KEYS, RunView, extendable, read_metrics, resumable, view_of

__all__ = [
    "RESULT_KEYS", "RunView", "command_line", "create", "extend", "extendable", "get", "list_runs", "log_tail",
    "metrics", "move", "read_metrics", "resumable", "resume", "retry", "stop", "waiting",
]  # fmt: skip


def create(data: str, model: str, template: str, config: TrainConfig, user: str, parent: str | None = None) -> RunView:
    """Check what can be checked without loading a model, then queue the run.

    It keeps the version of a saved template that there is now, and its source. `parent` is the run that it comes from.

    Raises:
        NotFound: no such dataset, model or template.
        ModelError: the model's folder cannot be used.
    """
    info = datasets.get(data)
    if not models.is_hub_id(model):  # one from the Hub is fetched by the run itself, which may take long
        models.find(model)
    renderer = get_template(template)
    template = renderer.name  # of a saved one, the version of today
    run_id = _new_id()
    run = Run(
        id=run_id,
        dataset=info.name,
        version=info.version,
        model=model,
        template=template,
        config=config.to_dict(),
        created_by=user,
    )
    written = {
        "run": run_id,
        "data": info.ref,
        "model": model,
        "template": template,
        **({"template_source": renderer.source} if renderer.source else {}),
        **({"parent": parent} if parent else {}),
        "settings": config.to_dict(),
        "command": command_line(info.ref, model, template, config),
    }
    with session() as opened:
        job = queue.new_job("train", {"run": run_id, **({"parent": parent} if parent else {})}, user)
        opened.add(job)
        opened.flush()
        run.job_id = job.id
        opened.add(run)
        opened.flush()  # the name is ours from here on; a run that can be seen has its settings on the disk
        write_json(run_dir(run_id) / "config.json", written)
    note(user, f"started run {run_id} on {info.ref}", f"runs?run={run_id}")
    return get(run_id)


def get(run_id: str) -> RunView:
    """Raises:
    NotFound: no run of that id.
    """
    with session() as opened:
        run = opened.get(Run, run_id)
        if run is None:
            newest = ", ".join(opened.scalars(select(Run.id).order_by(Run.created_at.desc()).limit(5)))
            raise NotFound(f"There is no run {run_id!r}.", f"Newest runs: {newest}." if newest else "Train one first.")
        return view_of(run)


def list_runs(limit: int | None = None) -> list[RunView]:
    """All runs, newest first."""
    with session() as opened:
        return [view_of(run) for run in opened.scalars(select(Run).order_by(Run.created_at.desc()).limit(limit))]


def metrics(run_id: str) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl` so far; a last line that is still being written is left out."""
    return read_metrics(run_dir(run_id) / "metrics.jsonl")


def stop(run_id: str, user: str) -> RunView:
    """Stop a run and keep what it has learned so far.

    Raises:
        WrongState: it has ended already.
    """
    view = get(run_id)
    queue.stop(view.job.id)
    note(user, f"stopped run {run_id}", f"runs?run={run_id}")
    return get(run_id)


def resume(run_id: str, user: str, steps: int | None = None) -> RunView:
    """Go on with a run that has ended early, from its last whole checkpoint to its planned end, or as `extend`.

    The run keeps its id and gets a new job. With the same data, base and libraries it ends with the losses of a run
    that was never interrupted.

    Raises:
        NotFound: no such run.
        WrongState: it goes on as it is, has finished, or has nothing to go on from.
    """
    if steps is not None:
        return extend(run_id, user, steps)
    view = get(run_id)
    step = resumable(view)
    if step is None:
        raise WrongState(f"The run {run_id} is {view.status}: it cannot be resumed.", _instead(view))
    return _again(view, view.config, user, f"resumed run {run_id} from step {step}")


def extend(run_id: str, user: str, steps: int) -> RunView:
    """Train a run that has ended for `steps` more than its last checkpoint has.

    The learning rate goes on as if the run had been planned with the new number of steps: with a linear schedule that
    had come down to nothing it rises again, to the share of steps that are left now, and comes down from there.

    Raises:
        NotFound: no such run.
        BadInput: no number of steps.
        WrongState: it goes on as it is, or has no checkpoint.
    """
    view = get(run_id)
    if steps < 1:
        raise BadInput(f"A run cannot be extended by {steps} steps.", "Give 1 or more.")
    step = extendable(view)
    if step is None:
        raise WrongState(f"The run {run_id} is {view.status}: it cannot be extended.", _instead(view))
    config = replace(view.config, max_steps=step + steps)
    return _again(view, config, user, f"extended run {run_id} to {config.max_steps} steps", extended=True)


def retry(run_id: str, user: str, changes: Mapping[str, Any] | None = None) -> RunView:
    """Start a run anew with other settings: a run of its own, whose `parent` is this one.

    Args:
        changes: settings that differ, as `TrainConfig.from_settings` takes them; those that a fault suggests, say.

    Raises:
        NotFound: the run, or its dataset, model or template, is gone.
        BadSettings: the changes cannot be used.
    """
    view = get(run_id)
    config = TrainConfig.from_settings({**view.config.to_dict(), **(changes or {})})
    return create(view.data_ref, view.model, view.template, config, user, parent=run_id)


def waiting() -> list[RunView]:
    """Runs that wait for a device, in the order in which they will have their turn."""
    return [get(job.payload["run"]) for job in queue.waiting("compute") if job.kind == "train"]


def move(run_id: str, before: str | None = None) -> list[RunView]:
    """Put a waiting run before another, or last; returns the waiting runs in their new order.

    Raises:
        NotFound: no such run.
        WrongState: one of the two is not waiting any more.
    """
    queue.move(get(run_id).job.id, get(before).job.id if before is not None else None)
    return waiting()


def _instead(view: RunView) -> str:
    if view.job.live:
        return "Stop it first, or wait until it ends."
    if (view.job.error or {}).get("fault") == "diverged":
        return "It would diverge again; start it anew with a smaller learning_rate."
    if extendable(view) is not None:
        return f"Say how many more steps it shall take: python -m studio resume {view.id} --steps 20."
    return "It left no checkpoint; start it anew."


def _again(view: RunView, config: TrainConfig, user: str, what: str, extended: bool = False) -> RunView:
    """Give the run a new job, unless somebody else has done so just now."""
    extended = extended or view.job.payload.get("extended", False)
    payload = {**view.job.payload, **({"extended": True} if extended else {})}
    with session() as opened:
        opened.execute(select(Run.job_id).where(Run.id == view.id).with_for_update())
        run = opened.get_one(Run, view.id, populate_existing=True)
        if run.job_id != view.job.id or opened.get_one(Job, run.job_id).status in LIVE:
            raise WrongState(f"The run {view.id} goes on already.", "Look at it instead.")
        job = queue.new_job("train", payload, user)
        opened.add(job)
        opened.flush()
        run.job_id, run.config = job.id, config.to_dict()
        _rewrite_settings(view, config)
    note(user, what, f"runs?run={view.id}")
    return get(view.id)


def _rewrite_settings(view: RunView, config: TrainConfig) -> None:
    """Have config.json say what the run is trained with from now on."""
    path = view.folder / "config.json"
    if config == view.config or not path.exists():
        return
    command = command_line(view.data_ref, view.model, view.template, config)
    write_json(path, {**read_json(path), "settings": config.to_dict(), "command": command})


def log_tail(run_id: str, lines: int = 200) -> str:
    """The last lines of what the run's process printed."""
    path = get(run_id).folder / "log.txt"
    if not path.exists():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def command_line(data: str, model: str, template: str, config: TrainConfig) -> str:
    """The command that repeats a run; settings at their defaults are left out."""
    import shlex

    defaults = TrainConfig().to_dict()
    changed = [
        f"--set {shlex.quote(f'{key}={value}')}" for key, value in config.to_dict().items() if value != defaults[key]
    ]
    parts = ["python -m studio train", shlex.quote(data), "--model", shlex.quote(model)]
    parts += ["--template", shlex.quote(template)]
    return " ".join([*parts, *changed])


def _new_id() -> str:
    with session() as opened:
        return new_name(set(opened.scalars(select(Run.id))))
