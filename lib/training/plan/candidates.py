"""Other settings for the same run: the same rows in every optimizer step, held and computed in other ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lib.devices import Device
from lib.training.config import AUTO, TrainConfig
from lib.training.plan.auto import precision_of, with_batch
from lib.training.plan.batches import longest_batch
from lib.training.plan.estimate import estimate
from lib.training.plan.memory import Memory
from lib.training.plan.pace import Pace, Rate, pace_of
from lib.training.plan.rows import Rows
from lib.training.plan.shapes import Shape

BATCH = ("per_device_train_batch_size", "gradient_accumulation_steps")
KEYS = ("gradient_checkpointing", "quantization", "packing", "group_by_length", *BATCH, "max_length")
UNEVEN = 2.0  # longest row against the mean one, from which on packing is worth a look
NEAR = 0.25  # how far the rows of a packed step may be from what was asked for


@dataclass(frozen=True)
class Ground:
    """What all candidates share. `correction`: measured against estimated peak, from a dry run or 1."""

    shape: Shape
    device: Device
    rows: Rows
    rate: Rate
    correction: float = 1.0


@dataclass(frozen=True)
class Candidate:
    """Settings with what they come to; `changed`: what differs from those that were asked about, and leads to them."""

    config: TrainConfig
    memory: Memory
    pace: Pace
    changed: dict[str, Any]


def look(ground: Ground, config: TrainConfig, asked: TrainConfig, *, checkpointing: bool | None = None) -> Candidate:
    """One candidate; `checkpointing` None leaves `auto` to what fits."""
    memory = _memory(ground, config, checkpointing)
    same = config.quantization == asked.quantization
    pace = pace_of(
        ground.shape,
        config,
        ground.device,
        ground.rows,
        checkpointing=memory.checkpointing,
        precision=precision_of(config, ground.device),
        rate=ground.rate if same else replace(ground.rate, ready_seconds=None),  # quantising takes its time
    )
    return Candidate(config, memory, pace, _changed(ground, config, asked))


def _changed(ground: Ground, config: TrainConfig, asked: TrainConfig) -> dict[str, Any]:
    """What to change; the batch is not named where, left to the plan, it comes to the same."""
    before, after = asked.to_dict(), config.to_dict()
    changed = {key: after[key] for key in KEYS if after[key] != before[key]}
    if asked.per_device_train_batch_size:
        return changed
    left = replace(config, per_device_train_batch_size=0, gradient_accumulation_steps=asked.gradient_accumulation_steps)
    if with_batch(ground.shape, left, ground.rows.lengths, ground.rows.learned, ground.device) != config:
        return changed
    return {key: value for key, value in changed.items() if key not in BATCH}


def _memory(ground: Ground, config: TrainConfig, checkpointing: bool | None) -> Memory:
    batch = longest_batch(ground.rows.lengths, ground.rows.learned, config)
    precision = precision_of(config, ground.device)
    wanted = {"on": True, "off": False}.get(config.gradient_checkpointing, checkpointing)
    if wanted is None and not ground.device.is_gpu:
        wanted = False  # as the trainer does
    for twice in (False, True) if wanted is None else (wanted,):
        found = estimate(ground.shape, config, ground.device, batch, precision, checkpointing=twice)
        if ground.correction != 1:
            found = found.corrected(ground.correction)
        if found.fits:
            return found
    return found


def candidates(ground: Ground, asked: TrainConfig, fits: bool) -> Iterator[Candidate]:
    """Everything worth looking at; `fits`: what was asked for would do."""
    for quantization in _bases(ground, asked, fits):
        for packing, batch, steps in _batches(ground, asked):
            for checkpointing in (AUTO if asked.gradient_checkpointing == AUTO else "off", "on"):
                yield look(
                    ground,
                    replace(
                        asked,
                        quantization=quantization,
                        per_device_train_batch_size=batch,
                        gradient_accumulation_steps=steps,
                        packing=packing,
                        group_by_length=asked.group_by_length and not packing,
                        gradient_checkpointing=checkpointing,
                    ),
                    asked,
                )


def shorter(ground: Ground, smallest: TrainConfig, asked: TrainConfig) -> Iterator[Candidate]:
    """The least demanding settings with ever shorter rows: when nothing else is left."""
    length = smallest.max_length // 2
    while length >= 64:
        kept = ground.rows.lengths <= length
        rows = replace(ground.rows, lengths=ground.rows.lengths[kept], learned=ground.rows.learned[kept])
        yield look(replace(ground, rows=rows), replace(smallest, max_length=length), asked)
        length //= 2


def _bases(ground: Ground, asked: TrainConfig, fits: bool) -> list[str]:
    """On a CPU the base stays as it was asked for where it can: 4 bits are slower there."""
    if ground.shape.quantized or (fits and not ground.device.is_gpu):
        return [asked.quantization]
    return list(dict.fromkeys(("none", asked.quantization, "nf4")))


def _batches(ground: Ground, asked: TrainConfig) -> list[tuple[bool, int, int]]:
    """Packing, batch and accumulation with the same rows in a step; packed, as near as whole sequences allow."""
    found = [(asked.packing, size, rest) for size, rest in _factors(asked.rows_per_step)]
    uneven = ground.rows.longest > UNEVEN * ground.rows.mean
    if asked.packing or not uneven or not ground.rows.used:
        return found
    in_one = ground.rows.used / max(ground.rows.sequences(asked.max_length), 1)
    sequences = max(round(asked.rows_per_step / in_one), 1)
    if abs(sequences * in_one / asked.rows_per_step - 1) <= NEAR:
        found += [(True, size, rest) for size, rest in _factors(sequences)]
    return found


def _factors(number: int) -> list[tuple[int, int]]:
    return [(size, number // size) for size in range(1, number + 1) if number % size == 0]
