"""Bytes of activations: what a block keeps of a token for the backward pass, with LoRA on a frozen base.

A frozen layer needs only its weights to pass gradients on; kept are the inputs of adapters and norms, what attention
needs, and the feed-forward part's products.
"""

from __future__ import annotations

from lib.training.config import TrainConfig
from lib.training.plan.batches import Batch
from lib.training.plan.kernels import Kernels
from lib.training.plan.shapes import Linear, Shape

FLOAT = 4


def kept_bytes(
    shape: Shape, config: TrainConfig, batch: Batch, width: int, kernels: Kernels, checkpointing: bool
) -> int:
    """Of all blocks; with checkpointing the input of every block, and all of one."""
    block = block_bytes(shape, config, width, kernels) * batch.tokens
    mask = batch.tokens**2 * (1 + width) if kernels.attention == "mask" else 0
    if not checkpointing:
        return shape.layers * block + mask
    every = (shape.hidden + _int8_inputs(shape, config, kernels)) * width
    return round(shape.layers * every * batch.tokens) + block + mask


def block_bytes(shape: Shape, config: TrainConfig, width: int, kernels: Kernels) -> int:
    """What one block keeps of one token."""
    return (
        _norms(shape, width, kernels)
        + _attention(shape, width, kernels)
        + _products(shape, width, kernels)
        + _adapter_inputs(shape, config, width, kernels)
    )


def working_bytes(
    shape: Shape, config: TrainConfig, batch: Batch, width: int, kernels: Kernels, checkpointing: bool
) -> int:
    """Of the block at work on the way back: gradients of its products, and a quantised layer's weights unpacked."""
    gradients = batch.tokens * (3 * shape.inner + 2 * shape.hidden) * width
    largest = max((linear.d_in * linear.d_out for linear in shape.linears), default=0)
    unpacked = largest * (width if config.quantization == "nf4" else 2 * width)  # 8 bits by way of a copy
    return gradients + (unpacked if config.quantization != "none" or shape.quantized else 0)


def _norms(shape: Shape, width: int, kernels: Kernels) -> int:
    """Inputs of the two norms; in half precision the plain ones keep a copy in float32."""
    return 2 * shape.hidden * (width if kernels.liger else FLOAT)


def _attention(shape: Shape, width: int, kernels: Kernels) -> int:
    """Queries, keys, values and the result.

    But for the flash kernel, keys and values are repeated for every head; row by row the result is put together anew.
    """
    query = shape.heads * shape.head_dim
    pair = shape.kv_heads * shape.head_dim if kernels.attention == "flash" else query
    results = 2 if kernels.attention == "rows" else 1
    return ((1 + results) * query + 2 * pair) * width + shape.heads * FLOAT


def _products(shape: Shape, width: int, kernels: Kernels) -> int:
    """Of the feed-forward part, what its activation function and its gate keep."""
    if not shape.gated:
        return shape.inner * width
    return (2 if kernels.liger else 3) * shape.inner * width


def _adapter_inputs(shape: Shape, config: TrainConfig, width: int, kernels: Kernels) -> int:
    """What adapters are given, and their inner values.

    One input serves all layers that have it, but where peft computes the adapter by itself: with dropout each has a
    copy and its mask, and adapters in another precision a copy.
    """
    adapted = shape.adapted(config.modules)
    own = sum(linear.d_in * _a_block(linear, shape) for linear in adapted)
    inner = sum(config.r * _a_block(linear, shape) * width for linear in adapted)
    attention = shape.heads * shape.head_dim  # its result is kept already
    if kept := _int8_inputs(shape, config, kernels):
        return round(inner + max(kept - attention, 0) * width + (own if config.lora_dropout else 0))
    if config.lora_dropout:
        return round(inner + own * (width + 1))
    if kernels.adapter_width != width and not kernels.lora:
        return round(inner + own * min(kernels.adapter_width, width))
    shared = {_group(linear) for linear in adapted}
    already = sum(size for group, size in shared if group == "attention result")
    return round(inner + (sum(size for _, size in shared) - already) * width)


def _int8_inputs(shape: Shape, config: TrainConfig, kernels: Kernels) -> float:
    """Sizes of the inputs that bitsandbytes' 8-bit layers keep, where checkpointing does not see them."""
    if config.quantization != "int8":
        return 0.0
    fused = shape.adapted(config.modules) if kernels.lora else ()
    return sum(linear.d_in * _a_block(linear, shape) for linear in shape.linears if linear not in fused)


def _group(linear: Linear) -> tuple[str, int]:
    """Which input a layer has, and its size: layers of a block with the same one share it."""
    if linear.name == "c_proj":  # GPT-2 has two of that name
        return ("product" if linear.d_in > linear.d_out else "attention result"), linear.d_in
    if linear.name in ("o_proj", "out_proj", "dense", "wo"):
        return "attention result", linear.d_in
    if linear.name in ("gate_proj", "up_proj", "gate_up_proj", "fc1", "c_fc", "dense_h_to_4h", "w1", "w3"):
        return "feed-forward", linear.d_in
    if linear.name in ("down_proj", "fc2", "dense_4h_to_h", "w2"):
        return "product", linear.d_in
    return "attention", linear.d_in


def _a_block(linear: Linear, shape: Shape) -> float:
    """How many of them a block has: 1, but for odd models."""
    return linear.count / max(shape.layers, 1)
