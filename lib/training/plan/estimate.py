"""Memory of a run before it starts: each part, from the model's shape, the settings and the longest batch.

estimate(shape, config, device, batch, "bf16", checkpointing=False).items

Sources: bytes a parameter and a token as the modules in use keep them (activations: arXiv 2205.05198, for LoRA on a
frozen base); constants calibrated against measured runs, see tests/training/plan/test_calibration.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from lib.devices import Device
from lib.training.config import TrainConfig
from lib.training.plan.activations import FLOAT, kept_bytes, working_bytes
from lib.training.plan.batches import Batch
from lib.training.plan.kernels import Kernels
from lib.training.plan.memory import Item, Memory
from lib.training.plan.shapes import Shape
from lib.words import MIB, counted
from lib.words import memory as memory_words

Precision = Literal["bf16", "fp16", "fp32"]
WIDTH: dict[str, int] = {"bf16": 2, "fp16": 2, "fp32": 4}
PRECISION_WORDS = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}

NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)  # a weight; with the scales of blocks of 64, quantised again (2305.14314)
IMPORTS = 372 * MIB  # Python with torch, transformers, peft and trl
LIBRARIES = 200 * MIB  # their code, mapped from files
FIRST_STEPS = 50 * MIB  # what the first steps load and keep
STATES = {"sgd": 0, "adagrad": 1, "rmsprop": 1, "lion": 1, "adafactor": 1, "ademamix": 3}
"""That an optimizer keeps of a parameter; AdamW has two. Adafactor keeps less of matrices: one is on the safe side."""
CUDA_CONTEXT = 750 * MIB
CUDA_SPARE = 0.05  # of the peak: kept by torch's allocator between uses
CPU_SPARE = 1.17  # blocks freed that do not fit what is wanted next
MAPPED_BLOCK = 32 * MIB  # from this size on glibc maps blocks singly and gives them back
CPU_SPARE_LARGE = 1.2


def estimate(
    shape: Shape,
    config: TrainConfig,
    device: Device,
    batch: Batch,
    precision: Precision,
    *,
    checkpointing: bool,
    kernels: Kernels | None = None,
) -> Memory:
    """The peak of a run whose largest batch is `batch`.

    `kernels`: what its modules keep for the backward pass; by default those that the trainer uses on the device.
    """
    kernels = kernels or Kernels.of(config, device, precision)
    width = WIDTH[precision]
    kept = kept_bytes(shape, config, batch, width, kernels, checkpointing)
    work = working_bytes(shape, config, batch, width, kernels, checkpointing)
    spare = 1.0 if device.is_gpu else _cpu_spare(shape, batch, width)
    how = "computed twice, so that only the inputs of the layers are kept" if checkpointing else "kept for the way back"
    items = (
        *_base(shape, config, precision, device),
        *_adapter(shape, config, kernels),
        Item("activations", round(kept * spare), f"{batch.tokens:,} tokens in the longest batch, {how}"),
        Item("work", round(work * (1 if device.is_gpu else 1.2)), "gradients and unpacked weights of one layer"),
        _loss(shape, batch, width, kernels),
    )
    overhead = _overhead(sum(item.bytes for item in items), device)
    if device.is_gpu or shape.quantized or shape.dtype_bytes == width:  # mapped files stand among the parts
        return Memory(items, overhead, device.is_gpu, device.free, checkpointing)
    # Weights are converted one after the other, out of files that are mapped all the while.
    loading = IMPORTS + LIBRARIES + base_bytes(shape, config.quantization, width) + shape.file_bytes
    return Memory(items, overhead, False, device.free, checkpointing, loading, shape.file_bytes)


def base_bytes(shape: Shape, quantization: str, width: int) -> int:
    """The weights as they are held to compute with."""
    if shape.quantized:
        return shape.file_bytes
    rest = (shape.embeddings + shape.head + shape.other + shape.experts) * width
    if quantization == "nf4":
        return round(shape.linear * NF4_BYTES) + rest
    if quantization == "int8":
        scales = sum(linear.d_out * linear.count for linear in shape.linears) * 4
        return shape.linear + scales + rest
    return shape.parameters * width


def _base(shape: Shape, config: TrainConfig, precision: Precision, device: Device) -> tuple[Item, ...]:
    size = base_bytes(shape, config.quantization, WIDTH[precision])
    rest = PRECISION_WORDS[precision]
    held = {
        "nf4": f"layers in 4 bits (NF4), embeddings and norms in {rest}",
        "int8": f"layers in 8 bits, embeddings and norms in {rest}",
    }.get(config.quantization, rest)
    base = Item("base", size, f"{shape.parameters:,} parameters: {held}")
    if device.is_gpu or config.quantization == "none" or shape.quantized or shape.dtype_bytes != WIDTH[precision]:
        return (base,)
    # Tensors that stay as they are stored are used where the file is mapped.
    used = size - base_bytes(replace(shape, embeddings=0, head=0, other=0), config.quantization, WIDTH[precision])
    words = "the rest of the model's files, as they were read; given back when memory is short"
    return base, Item("files", shape.file_bytes - used, words, reclaimable=True)


def _adapter(shape: Shape, config: TrainConfig, kernels: Kernels) -> tuple[Item, Item]:
    """Weights and gradients, and what the optimizer keeps of each."""
    count = shape.adapter_parameters(config.r, config.modules, config.use_dora)
    width = kernels.adapter_width
    states = next((number for name, number in STATES.items() if name in config.optim), 2)
    size = 1 if "8bit" in config.optim else width
    kind = "8 bits" if size == 1 else PRECISION_WORDS["fp32" if width == 4 else "bf16"]
    return (
        Item("adapter", count * 2 * width, f"{count:,} parameters of rank {config.r}, and their gradients"),
        Item(
            "optimizer", count * states * size, f"{counted(states, 'state')} a parameter of {config.optim}, in {kind}"
        ),
    )


def _loss(shape: Shape, batch: Batch, width: int, kernels: Kernels) -> Item:
    """States and their gradient at the positions that are learned; logits and probabilities of some at once."""
    every = batch.trained * shape.vocab
    logits = min(every, kernels.logits) if kernels.logits else every
    states = batch.trained * shape.hidden * 2 * width
    words = f"{batch.trained:,} tokens to learn, {logits / 1e6:,.0f} million logits at once"
    return Item("loss", states + logits * (2 * width + FLOAT), words)


def _cpu_spare(shape: Shape, batch: Batch, width: int) -> float:
    return CPU_SPARE if batch.tokens * shape.inner * width < MAPPED_BLOCK else CPU_SPARE_LARGE


def _overhead(parts: int, device: Device) -> Item:
    if device.is_gpu:
        spare = round(parts * CUDA_SPARE)
        return Item("overhead", CUDA_CONTEXT + spare, f"CUDA's context, and {memory_words(spare)} kept in reserve")
    return Item("overhead", IMPORTS + LIBRARIES + FIRST_STEPS, "Python, torch and the other libraries")
