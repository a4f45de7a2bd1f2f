"""A linear layer and its adapter in one function: what LoRA adds is added in place.

As peft writes it, an adapted layer goes over its output some six times (scale, add, cast, and their gradients), and
keeps the cast copies. Quantised weights are read out for each pass, and not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from bitsandbytes.functional import dequantize_4bit
from peft.tuners.lora.layer import Linear, LoraLayer
from peft.utils.integrations import get_bnb_param_type
from torch import nn

_FEW = 32  # tokens up to which bitsandbytes multiplies without reading the weights out


def fuse(model: nn.Module) -> int:
    """Do so in every layer where it comes to the same; returns in how many. Others stay as peft has them."""
    count = 0
    for module in model.modules():
        if isinstance(module, LoraLayer) and _is_plain(module):
            module.forward = partial(_forward, module, module.forward)
            count += 1
    return count


def _is_plain(layer: Any) -> bool:
    """One adapter without dropout, bias or variants (DoRA), on a linear layer."""
    quantized = type(layer).__name__ in ("Linear4bit", "Linear8bitLt")
    return (
        (type(layer) is Linear or quantized)
        and isinstance(layer.base_layer, nn.Linear)
        and len(layer.lora_A) == 1
        and not layer.lora_variant
        and not any(layer.lora_bias.values())
        and not getattr(layer, "fan_in_fan_out", False)
        and all(isinstance(dropout, nn.Identity) for dropout in layer.lora_dropout.values())
    )


def _forward(layer: Any, plain: Callable[..., Any], x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    (name,) = layer.lora_A
    few = not torch.is_grad_enabled() and x.numel() <= _FEW * x.shape[-1] and _is_quantized(layer.base_layer)
    if args or kwargs or few or layer.disable_adapters or layer.merged or layer.active_adapters != [name]:
        return plain(x, *args, **kwargs)
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
    return _LoraLinear.apply(x, a, b, layer.base_layer, layer.scaling[name], dtype)


class _LoraLinear(torch.autograd.Function):
    """x (…, in), a (rank, in), b (out, rank) to x W^T + bias + scale (x a^T) b^T, in `dtype`."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, base: nn.Linear, scale: float, dtype: torch.dtype
    ) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            flat = x.reshape(-1, x.shape[-1]).to(dtype)
            bias = None if base.bias is None else base.bias.to(dtype)
            low = flat @ a.to(dtype).t()
            out = nn.functional.linear(flat, _weight(base, dtype), bias)
            out.addmm_(low, b.to(dtype).t(), alpha=scale)
        ctx.save_for_backward(flat, low, a, b)
        ctx.base, ctx.scale, ctx.like = base, scale, (x.shape, x.dtype)
        return out.view(*x.shape[:-1], out.shape[-1])

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        flat, low, a, b = ctx.saved_tensors
        shape, dtype = ctx.like
        gradient = outer[0].reshape(-1, outer[0].shape[-1]).to(flat.dtype)
        back = (gradient @ b.to(flat.dtype)).mul_(ctx.scale)
        of_a = (back.t() @ flat).to(a.dtype)
        of_b = (gradient.t() @ low).mul_(ctx.scale).to(b.dtype)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = gradient @ _weight(ctx.base, flat.dtype)
            of_x = of_x.addmm_(back, a.to(flat.dtype)).view(shape).to(dtype)
        return of_x, of_a, of_b, None, None, None


def _is_quantized(base: nn.Linear) -> bool:
    return bool(get_bnb_param_type(cast(nn.Parameter, base.weight)))


def _weight(base: Any, dtype: torch.dtype) -> torch.Tensor:
    """(out, in): read out of its 4 or 8 bits where it is held in those."""
    kind = get_bnb_param_type(base.weight)
    if kind == "4bit":
        read_out: torch.Tensor = dequantize_4bit(base.weight.data, base.weight.quant_state)
        return read_out.to(dtype)
    if kind == "8bit":
        scale = base.weight.SCB if base.state.SCB is None else base.state.SCB  # largest of each row, which is 127
        numbers = base.weight.data
        return torch.mul(numbers, (scale / 127)[:, None], out=torch.empty_like(numbers, dtype=dtype))
    weight: torch.Tensor = base.weight
    return weight.to(dtype)
