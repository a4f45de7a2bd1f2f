"""Writing checkpoints while a run goes on, and putting one back: adapter, optimizer, schedule, random numbers, state.

The trainer's own way of saving is replaced: it writes in place, so that a kill leaves half a checkpoint behind.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback
from transformers.trainer_callback import TrainerState

from lib.errors import ModelError, WrongState
from lib.jobs.context import JobContext
from lib.storage import disk_errors
from lib.training import checkpoints
from lib.training.checkpoints import Checkpoint, Place
from lib.training.rows import Prepared
from lib.training.run_view import RunView

WEIGHTS = "adapter.safetensors"
STATE = "trainer_state.json"
SECONDS = 120.0  # between two checkpoints, where the settings say nothing
SHARE = 50  # … or so many times what the last one took, where that is longer


class WholeCheckpoints:
    """For a trainer class: checkpoints that are whole or not there. `keep` writes one; without it none is written."""

    keep: Callable[[Any], None] | None = None
    model: Any
    optimizer: Any
    lr_scheduler: Any

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if self.keep is not None:
            self.keep(self)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load_weights(self.model, Path(resume_from_checkpoint))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """As it was, but for the learning rate: of a run that was extended it is that of the longer schedule."""
        super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[misc]
        if checkpoint is not None:
            schedule = self.lr_scheduler
            pairs = zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
            schedule._last_lr = [rate * share(schedule.last_epoch) for rate, share in pairs]
            for group, rate in zip(self.optimizer.param_groups, schedule._last_lr, strict=True):
                group["lr"] = rate


class Keeper(TrainerCallback):
    """Says when a checkpoint is due, and writes it.

    Args:
        save_steps: steps between two; below 1 a share of all; 0: every two minutes and at each measurement of the
            loss. The last step and a stop always have one.
        place: how far the run is, for a step.
    """

    def __init__(self, run: Path, save_steps: float, job: JobContext, place: Callable[[Any, bool], Place]) -> None:
        self.run, self.save_steps, self.job, self.place = run, save_steps, job, place
        self.count, self.seconds = 0, 0.0
        self._last, self._cost = time.monotonic(), 0.0
        self._ending = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.job.stopping or control.should_training_stop or self._due(state):
            control.should_save = True
        self._ending = control.should_training_stop and not self.job.stopping

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not self.save_steps or control.should_training_stop:
            control.should_save = True
        self._ending = control.should_training_stop and not self.job.stopping

    def _due(self, state: Any) -> bool:
        if not self.save_steps:
            return time.monotonic() - self._last >= max(SECONDS, SHARE * self._cost)
        share = self.save_steps < 1
        every = math.ceil(self.save_steps * state.max_steps) if share else round(self.save_steps)
        return bool(state.global_step % max(every, 1) == 0)

    def write(self, trainer: Any) -> None:
        """Write a checkpoint of the trainer as it is, and drop the oldest.

        Raises:
            StorageError: the disk is full; the older checkpoints are still there.
        """
        began = time.monotonic()
        folder = checkpoints.folder_of(self.run)
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            checkpoints.prune(self.run, checkpoints.KEPT - 1)  # before, so that the disk never holds three
            scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".checkpoint-"))
            try:
                scratch.chmod(0o755)
                _fill(scratch, trainer)
                checkpoints.finish(scratch, self.place(trainer, self._ending))
            except BaseException:
                shutil.rmtree(scratch, ignore_errors=True)
                raise
        self._last, self._cost = time.monotonic(), time.monotonic() - began
        self.count, self.seconds = self.count + 1, self.seconds + self._cost


def _fill(folder: Path, trainer: Any) -> None:
    save_file({name: weight.contiguous() for name, weight in _trained(trainer.model).items()}, folder / WEIGHTS)
    trainer._save_optimizer_and_scheduler(str(folder))
    trainer._save_scaler(str(folder))
    trainer._save_rng_state(str(folder))
    trainer.state.save_to_json(str(folder / STATE))


def _trained(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def _shapes(weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: weight.shape for name, weight in weights.items()}


def load_weights(model: torch.nn.Module, folder: Path) -> None:
    """Put the trained weights of a checkpoint into the model, bit by bit.

    Raises:
        ModelError: they are of another adapter.
    """
    kept, trained = load_file(folder / WEIGHTS), _trained(model)
    if _shapes(kept) != _shapes(trained):
        raise ModelError(f"The checkpoint in {folder} is of another adapter.", "Start the run anew.")
    with torch.no_grad():
        for name, weight in trained.items():
            weight.copy_(kept[name])


def put_back(trainer: Any, checkpoint: Checkpoint) -> None:
    """Weights and state of a run that has no step left to take, so that it only needs to be finished."""
    load_weights(trainer.model, checkpoint.folder)
    trainer.state = TrainerState.load_from_json(str(checkpoint.folder / STATE))
    trainer.callback_handler.on_train_begin(trainer.args, trainer.state, trainer.control)


def digest(prepared: Prepared) -> str:
    """SHA-256 over which rows are trained on, in what order, and how long they and their answers are in tokens."""
    found = hashlib.sha256()
    for row in prepared.train:
        found.update(array("q", (row.row_id, len(row.ids), row.answer)))
    return found.hexdigest()


def check_ground(run: RunView, place: Place, base_sha256: str, rows_sha256: str) -> None:
    """Refuse to go on where the run would no longer be the same one.

    Raises:
        ModelError: the base has other weights than when the run began.
        WrongState: the dataset gives other rows.
    """
    if place.base_sha256 != base_sha256:
        raise ModelError(
            f"The model {run.model} has other weights than when the run began: its adapter would not fit them.",
            "Put the former model back and resume, or start the run anew.",
        )
    if place.rows_sha256 != rows_sha256:
        raise WrongState(
            f"{run.data_ref} gives other rows than when the run began: its mapping or the template was changed.",
            "Change it back and resume, or start the run anew.",
        )
