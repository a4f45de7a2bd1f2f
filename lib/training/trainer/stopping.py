"""Early stopping: a run ends when measurements no longer bring anything, and its best state is kept.

The measurements are those in the trainer's own state, which is stored with each checkpoint: a resumed run counts on
where it was. The state of the adapter at the best measurement lies in `checkpoints/best-<step>.safetensors`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from lib.storage import sync

PATTERN = "best-*.safetensors"


class EarlyStopping(TrainerCallback):
    """Ends the training after `patience` measurements running without a lower loss than before; 0: does nothing.

    The measurement before the first step does not count. `summary` is for the run's manifest: whether it was stopped,
    at which step the loss was lowest, and that loss.
    """

    def __init__(self, folder: Path, patience: int) -> None:
        self.folder, self.patience = folder, patience
        self._measured: dict[int, float] = {}
        self._stopped, self._restored = False, 0

    @property
    def summary(self) -> dict[str, Any]:
        if not self.patience or not self._measured:
            return {}
        step = self._restored or self._lowest(self._measured)
        return {"stopped_early": self._stopped, "best_step": step, "best_eval_loss": self._measured[step]}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._read(state)
        self._remove(step for step in self._kept() if not 0 < step <= state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if not self.patience or not state.global_step:
            return
        self._read(state)
        best = self._lowest(self._measured)
        if best == state.global_step:
            self._keep(model, best)
        in_vain = sum(step > best for step in self._measured)
        if in_vain >= self.patience and state.global_step < state.max_steps and not control.should_training_stop:
            control.should_training_stop = self._stopped = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """What a run that goes on from this checkpoint may want stays; older states go."""
        if self._measured:
            best = self._lowest(self._measured)
            self._remove(step for step in self._kept() if step < best)

    def restore(self, model: Any, last: float | None) -> float | None:
        """Put the best state that was kept back into the model.

        Args:
            last: the loss at the last step.

        Returns:
            The loss of what the model now is; `last` when the last step was the best, or nothing was kept.
        """
        losses = {step: self._measured[step] for step in self._kept() if step in self._measured}
        if not self.patience or not losses:
            return last
        best = self._lowest(losses)
        if best != max(self._measured):
            kept = load_file(self._file(best))
            with torch.no_grad():
                for name, weight in _learned(model).items():
                    weight.copy_(kept[name])
        self._restored = best
        return losses[best]

    def clean(self) -> None:
        """Remove the states that were kept: the run has its adapter."""
        self._remove(self._kept())

    def _read(self, state: Any) -> None:
        measured = (entry for entry in state.log_history if "eval_loss" in entry and entry["step"])
        self._measured = {entry["step"]: entry["eval_loss"] for entry in measured}

    def _keep(self, model: Any, step: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = self.folder / f".best-{step}"
        save_file({name: weight.detach().cpu().contiguous() for name, weight in _learned(model).items()}, scratch)
        with scratch.open("rb") as file:
            sync(file)
        scratch.replace(self._file(step))

    def _kept(self) -> list[int]:
        return sorted(int(file.stem.partition("-")[2]) for file in self.folder.glob(PATTERN))

    def _remove(self, steps: Any) -> None:
        for step in steps:
            self._file(step).unlink(missing_ok=True)

    def _file(self, step: int) -> Path:
        return self.folder / f"best-{step}.safetensors"

    @staticmethod
    def _lowest(losses: dict[int, float]) -> int:
        return min(losses, key=lambda step: (losses[step], step))


def _learned(model: Any) -> dict[str, torch.Tensor]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
