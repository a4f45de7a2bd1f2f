"""What a run dies of, named, with the settings that would help."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from safetensors import SafetensorError

from lib.errors import ModelError, StorageError, StudioError
from lib.training import suggestions
from lib.training.config import TrainConfig
from lib.training.plan.after_failure import nearest_that_fits
from lib.training.runs import RunView

_MEMORY = ("can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "Unable to allocate")
_DISK = ("No space left", "file write failed", "PytorchStreamWriter failed", "unexpected pos")


class TrainingFault(ModelError):
    """A run that ended for a reason that other settings help against.

    `fault` is `memory` or `diverged`; `suggest` has the settings to start it again with, empty when nothing is left.
    """

    def __init__(self, message: str, hint: str, fault: str, suggest: dict[str, Any]) -> None:
        super().__init__(message, hint)
        self.fault, self.suggest = fault, suggest

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "fault": self.fault, "suggest": self.suggest}


class Phase:
    """What a run is at, for the words of its faults; `step` counts those taken."""

    def __init__(self) -> None:
        self.loading, self.step = True, 0


@contextlib.contextmanager
def named(run: RunView, phase: Phase) -> Iterator[None]:
    """Turn what torch and the system raise into errors that say what to change.

    Raises:
        TrainingFault: memory ran out.
        StorageError: the disk is full.
    """
    try:
        yield
    except StudioError as error:
        if isinstance(error.__cause__, torch.OutOfMemoryError):  # while the base was loaded
            raise out_of_memory(run, phase, error.__cause__) from error
        raise
    except (MemoryError, RuntimeError) as error:
        if is_memory(error):
            raise out_of_memory(run, phase, error) from error
        if any(mark in str(error) for mark in _DISK):
            raise disk_full(run) from error
        raise
    except SafetensorError as error:
        if any(mark in str(error) for mark in _DISK):
            raise disk_full(run) from error
        raise


def is_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out, of the GPU or of the machine."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(mark in str(error) for mark in _MEMORY)


def out_of_memory(run: RunView, phase: Phase, error: BaseException) -> TrainingFault:
    whose = "the GPU" if isinstance(error, torch.OutOfMemoryError) or "CUDA" in str(error) else "this machine"
    when = "while the base was loaded" if phase.loading else f"at step {phase.step + 1}"
    suggest = _nearest(run, phase) or suggestions.for_memory(run.config, phase.loading)
    hint = f"Start it again with {suggestions.words(suggest)}." if suggest else "Choose a smaller model."
    return TrainingFault(f"The memory of {whose} ran out {when}.", hint, "memory", suggest)


def _nearest(run: RunView, phase: Phase) -> dict[str, Any]:
    """As the plan has it. While the base is loaded only its size matters."""
    if phase.loading:
        return {}
    try:
        return nearest_that_fits(run)
    except Exception:  # memory is short now: whatever happens here, what the run died of has to be said
        return {}


def diverged(config: TrainConfig, loss: float, step: int) -> TrainingFault:
    suggest = suggestions.for_divergence(config)
    return TrainingFault(
        f"The loss became {loss} at step {step}: the run diverged.",
        f"Start it again with {suggestions.words(suggest)}: a smaller learning_rate.",
        "diverged",
        suggest,
    )


def disk_full(run: RunView) -> StorageError:
    return StorageError(f"The disk that holds {run.folder} is full.", "Free some space, then resume the run.")
