"""Runs that have ended: taken up again, trained longer, or started anew with other settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from lib.database import Job, Run, note, session
from lib.database.models import LIVE
from lib.errors import BadInput, WrongState
from lib.jobs import queue
from lib.storage import read_json, write_json
from lib.training.config import TrainConfig
from lib.training.listing import get
from lib.training.repeat import command_line
from lib.training.run_view import RunView, extendable, resumable
from lib.training.starting import create


def resume(run_id: str, user: str, steps: int | None = None) -> RunView:
    """Go on with a run that has ended early, from its last whole checkpoint to its planned end, or as `extend`.

    The run keeps its id and gets a new job. With the same data, base and libraries it ends with the losses of a run
    that was never interrupted.

    Raises:
        NotFound: no such run.
        WrongState: it goes on as it is, has finished, was made elsewhere, or has nothing to go on from.
    """
    if steps is not None:
        return extend(run_id, user, steps)
    view = _trained_here(get(run_id))
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
        WrongState: it goes on as it is, was made elsewhere, or has no checkpoint.
    """
    view = _trained_here(get(run_id))
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
        WrongState: its adapter was made elsewhere.
    """
    view = _trained_here(get(run_id))
    config = TrainConfig.from_settings({**view.config.to_dict(), **(changes or {})})
    return create(view.data_ref, view.model, view.template, config, user, parent=run_id)


def _trained_here(view: RunView) -> RunView:
    if view.adopted:
        raise WrongState(
            f"The adapter {view.id} was made elsewhere: there are no data, steps or checkpoints here to go on from.",
            f"Train a run of your own on its base: python -m studio train DATASET --model {view.model} "
            f"--template {view.template} --set r={view.config.r} --set lora_alpha={view.config.lora_alpha}.",
        )
    return view


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
