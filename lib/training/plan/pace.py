"""How long a run takes: from a measured run like it, else from the arithmetic of its steps and the device's speed.

The arithmetic is also what tells settings apart that were never measured: see `microbatch_seconds`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from lib.devices import Device
from lib.training.config import TrainConfig
from lib.training.plan.batches import Batch, usual_batch
from lib.training.plan.rows import Rows
from lib.training.plan.shapes import Shape
from lib.training.run_view import RunView

# Dense half-precision TFLOP/s as makers state them; the first name that is part of the device's counts.
TERAFLOPS = {
    "H200": 990,
    "H100 PCIe": 756,
    "H100": 990,
    "B200": 2250,
    "A100": 312,
    "A800": 312,
    "L40S": 362,
    "L40": 181,
    "L4": 121,
    "A10G": 70,
    "A10": 125,
    "A40": 150,
    "A6000": 155,
    "V100": 112,
    "T4": 65,
    "RTX 5090": 210,
    "RTX 4090": 165,
    "RTX 4080": 97,
    "RTX 4070": 58,
    "RTX 3090": 71,
    "RTX 3080": 60,
    "RTX 3060": 26,
    "RTX 2080": 42,
    "GTX 1080": 9,
}
OF_PEAK = 0.55  # what LoRA steps reach of it, measured on an H100
INT8_SLOWER = 2.0  # bitsandbytes' 8-bit layers, measured on an H100
LAYER_SECONDS = 0.004  # a layer of a micro-batch on a GPU, before any arithmetic
CPU_LAYER_SECONDS = 0.0005
CPU_BF16 = 0.64  # of the time of float32, on processors with units for it
CPU_HALF_SLOWER = 2.0  # half precision on a CPU that has no units for it
# A weight, on one core of a server, from what two took: to quantise it as the base is read, and to unpack it for a
# batch, there and back.
CPU_QUANTIZE_SECONDS = {"nf4": 60e-9, "int8": 24e-9}
CPU_UNPACK_SECONDS = {"nf4": 7.2e-9, "int8": 9e-9}
IMPORT_SECONDS = 20.0  # of libraries, with the worker and the rows
READ_BYTES_A_SECOND = 1.0e9
CPU_ANSWER_LAYER_SECONDS = 0.004  # a layer with its adapters for one new token of an answer, on two cores
LEAST_ANSWERS = 2  # times that sample questions are answered: before and after
SLOWER = 1.5  # than estimated, at most, on a machine where nothing was measured yet
LIKE = 40  # newest runs looked at


@dataclass(frozen=True)
class Pace:
    """`seconds` of the whole run: `ready_seconds` until the first step, then steps and measurements.

    `epochs`: passes over the rows. `tokens`: computed in training, none of them padding. `measured`: the rate is that
    of an earlier run or of a dry run; `source` names it, or says how it was estimated.
    """

    steps: int
    epochs: float
    tokens: int
    trained_tokens: int
    tokens_per_second: float
    ready_seconds: float
    seconds: float
    measured: bool
    source: str

    @property
    def most_seconds(self) -> float:
        """What it may come to: more than `seconds` where these are only an estimate."""
        return self.seconds if self.measured else self.seconds * SLOWER

    def to_dict(self) -> dict[str, Any]:
        return {key: round(value, 2) if isinstance(value, float) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Rate:
    """Seconds a micro-batch is found to take against what the arithmetic says (1: as it says), and where from."""

    factor: float = 1.0
    ready_seconds: float | None = None
    source: str = ""


def steps_of(config: TrainConfig, rows: Rows) -> tuple[int, float]:
    """Optimizer steps, and the passes over the rows that they make."""
    an_epoch = max(math.ceil(_batches(config, rows) / config.gradient_accumulation_steps), 1)
    if config.max_steps:
        return config.max_steps, config.max_steps / an_epoch
    return math.ceil(config.num_train_epochs * an_epoch), config.num_train_epochs


def _batches(config: TrainConfig, rows: Rows) -> int:
    """Micro-batches of one pass over the rows."""
    units = rows.sequences(config.max_length) if config.packing else rows.used
    return math.ceil(units / config.per_device_train_batch_size)


def pace_of(
    shape: Shape, config: TrainConfig, device: Device, rows: Rows, *, checkpointing: bool, precision: str, rate: Rate
) -> Pace:
    """Time of the run; `rate` from `rate_of` or a dry run."""
    steps, epochs = steps_of(config, rows)
    batches = _batches(config, rows)
    batch = usual_batch(rows.lengths, rows.learned, config)
    one = microbatch_seconds(shape, config, device, batch, checkpointing, precision) * rate.factor
    # The last step of a pass takes the batches that are left, which may be few.
    micro = min(steps * config.gradient_accumulation_steps, math.ceil(epochs * batches))
    tokens = round(rows.tokens * epochs)
    a_token = one / max(batch.tokens, 1)
    times = _measurements(config, steps)
    measuring = times * rows.eval_rows * rows.mean * a_token / (3 if checkpointing else 2)  # there, and no way back
    answering = max(times, LEAST_ANSWERS) * config.sample_tokens * answer_token_seconds(shape, device)
    ready = rate.ready_seconds
    if ready is None:
        ready = IMPORT_SECONDS + shape.file_bytes / READ_BYTES_A_SECOND
        if not device.is_gpu and not shape.quantized:
            ready += shape.linear * CPU_QUANTIZE_SECONDS.get(config.quantization, 0) / max(device.cores, 1)
    return Pace(
        steps=steps,
        epochs=epochs,
        tokens=tokens,
        trained_tokens=round(rows.trained * epochs),
        tokens_per_second=1 / a_token if a_token else 0.0,
        ready_seconds=ready,
        seconds=ready + micro * one + measuring + answering,
        measured=bool(rate.source),
        source=rate.source or _words(device),
    )


def microbatch_seconds(
    shape: Shape, config: TrainConfig, device: Device, batch: Batch, checkpointing: bool, precision: str
) -> float:
    """One batch forward and back, by its arithmetic and the device's."""
    work = _flops(shape, config, batch, checkpointing)
    layers = shape.layers * (1.5 if checkpointing else 1.0)
    if not device.is_gpu:
        slower = 1.0 if precision == "fp32" else CPU_BF16 if device.bf16 else CPU_HALF_SLOWER
        one_core = work / (device.gigaflops * 1e9) * slower
        one_core += shape.linear * CPU_UNPACK_SECONDS.get(config.quantization, 0) * (1.5 if checkpointing else 1.0)
        return one_core / max(device.cores, 1) + layers * CPU_LAYER_SECONDS
    slower = (INT8_SLOWER if config.quantization == "int8" else 1.0) * (8.0 if precision == "fp32" else 1.0)
    return work / (teraflops(device) * 1e12 * OF_PEAK) * slower + layers * LAYER_SECONDS


def answer_token_seconds(shape: Shape, device: Device) -> float:
    """One new token of a sample answer: layer after layer, which keeps no device busy."""
    if device.is_gpu:
        return shape.layers * LAYER_SECONDS / 3  # a third of there and back
    return shape.layers * CPU_ANSWER_LAYER_SECONDS + 2 * shape.linear / (device.gigaflops * 1e9)


def _flops(shape: Shape, config: TrainConfig, batch: Batch, checkpointing: bool) -> float:
    """Forward, and back through frozen weights: no gradient of theirs. The head counts where something is learned."""
    adapters = shape.adapter_parameters(config.r, config.modules)
    attention = 2 * shape.layers * shape.heads * shape.head_dim * batch.longest  # causal: half of 4
    forward = 2 * (shape.linear + shape.experts) + attention
    passes = 3 if checkpointing else 2
    return batch.tokens * (passes * forward + 6 * adapters) + batch.trained * 4 * shape.head_parameters


def teraflops(device: Device) -> float:
    """What the maker states of a GPU; of an unknown one a guess by its generation."""
    known = next((value for name, value in TERAFLOPS.items() if name in device.name), None)
    return known or (300 if device.capability >= 9 else 100 if device.capability >= 8 else 40)


def _words(device: Device) -> str:
    if device.is_gpu:
        return f"estimated: {OF_PEAK:.0%} of the {teraflops(device):,.0f} TFLOP/s of such a GPU"
    return f"estimated: {device.gigaflops:.0f} GFLOP/s on each of {device.cores} cores"


def _measurements(config: TrainConfig, steps: int) -> int:
    """Times that the held-out loss is measured: before, on the way, and after."""
    every = config.eval_steps if config.eval_steps >= 1 else max(math.ceil(steps * config.eval_steps), 1)
    return 1 + math.ceil(steps / max(every, 1))


def rate_of(
    runs: Iterable[RunView], model: str, shape: Shape, config: TrainConfig, device: Device, precision: str
) -> Rate:
    """From the newest run of the same model, device and precision that ended with figures; plain when there is none."""
    for run in runs:
        summary = run.summary
        same = (run.model, run.config.quantization, run.config.precision) == (
            model,
            config.quantization,
            config.precision,
        )
        if not same or not summary.get("tokens_per_second") or not _same_device(summary, device):
            continue
        micro = summary["steps"] * run.config.gradient_accumulation_steps
        if not micro or not summary.get("tokens"):
            continue
        counted = summary.get("rows", {})
        mean = round(summary["tokens"] / micro)
        share = counted.get("trained_tokens", 0) / max(counted.get("train_tokens", 0), 1)
        row = round(mean / max(run.config.per_device_train_batch_size, 1))
        batch = Batch(run.config.per_device_train_batch_size, mean, round(mean * share), row)
        twice = summary.get("gradient_checkpointing", run.config.gradient_checkpointing == "on")
        expected = microbatch_seconds(shape, run.config, device, batch, twice, precision)
        factor = mean / summary["tokens_per_second"] / expected
        ready = summary.get("ready_seconds")
        if ready is not None:  # the loss before the first step is counted among the measurements
            ready = max(ready - summary.get("measuring_seconds", 0.0), 0.0)
        return Rate(factor, ready, f"going by the run {run.id}")
    return Rate()


def _same_device(summary: dict[str, Any], device: Device) -> bool:
    name = str(summary.get("device", ""))
    return name == device.name if device.is_gpu else name.startswith("CPU")
