"""What settings at `auto` come to on a device. The trainer asks here too, so that it does what the plan said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lib.devices import Device, default_device
from lib.training.config import AUTO, AUTO_ROWS, TrainConfig
from lib.training.plan.batches import Counts, longest_batch
from lib.training.plan.estimate import Precision, estimate
from lib.training.plan.shape_files import read_shape
from lib.training.plan.shapes import Shape


def precision_of(config: TrainConfig, device: Device | None = None) -> Precision:
    """What is computed with: bfloat16 where the device has it, else float16 on a GPU and float32 on a CPU."""
    device = device or default_device()
    if config.precision != AUTO:
        return config.precision  # type: ignore[return-value]
    if device.bf16:
        return "bf16"
    return "fp16" if device.is_gpu else "fp32"


def with_batch(shape: Shape, config: TrainConfig, lengths: Counts, trained: Counts, device: Device) -> TrainConfig:
    """The settings with a batch in place of 0: the largest that fits, with as many rows in every step.

    Args:
        lengths, trained: tokens of each row to train on, and how many of them are learned.
    """
    if config.per_device_train_batch_size:
        return config
    precision, rows = precision_of(config, device), config.rows_per_step
    at_auto = (False, True) if device.is_gpu else (False,)
    ways = {"on": (True,), "off": (False,)}.get(config.gradient_checkpointing, at_auto)
    for size in (size for size in range(AUTO_ROWS, 0, -1) if rows % size == 0):
        tried = replace(config, per_device_train_batch_size=size, gradient_accumulation_steps=rows // size)
        batch = longest_batch(lengths, trained, tried)
        if any(estimate(shape, tried, device, batch, precision, checkpointing=twice).fits for twice in ways):
            return tried
    return tried


def needs_checkpointing(
    folder: Path, config: TrainConfig, lengths: Sequence[int], trained: Sequence[int], device: Device | None = None
) -> bool:
    """Whether activations are computed twice: as the setting says, or where a GPU could not take the longest batch.

    Args:
        lengths, trained: tokens of each row to train on, and how many of them are learned.

    Raises:
        ModelError: the model's files cannot be read.
    """
    if config.gradient_checkpointing != AUTO:
        return config.gradient_checkpointing == "on"
    device = device or default_device()
    if not device.is_gpu:
        return False
    batch = longest_batch(lengths, trained, config)
    found = estimate(read_shape(folder), config, device, batch, precision_of(config, device), checkpointing=False)
    return not found.fits
