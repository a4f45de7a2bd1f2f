"""Rows of one batch, each with an adapter of its own: what LoRA adds is added to the slice of rows that it belongs to.

PEFT does the same by `adapter_names`, but gathers and scatters rows in every layer, and refuses DoRA. Rows of an
adapter stand together here, so a slice of the layer's output is changed in place. What is added is what PEFT adds.

    router = Router()
    router.take_over(model)                         # after each adapter that is put on
    with router.rows(model, ["base", "a", "a"]):    # then forward batches of three rows
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora.layer import LoraLayer
from peft.utils.integrations import dequantize_module_weight
from torch import nn

BASE = "__base__"  # no adapter


class Router:
    """Which rows of the next batches belong to which adapter. The layers taken over look here in every forward."""

    def __init__(self) -> None:
        self._slices: list[tuple[str, slice]] = []
        self._scales: dict[tuple[int, str], torch.Tensor] = {}

    def take_over(self, model: PeftModel) -> None:
        """Have all linear layers with LoRA ask this router; layers that do so already stay."""
        for layer in model.modules():
            if isinstance(layer, LoraLayer) and _is_linear(layer) and not hasattr(layer, "_routed"):
                vars(layer).update(_routed=True, forward=partial(self._forward, layer))

    @contextmanager
    def rows(self, model: Any, names: Sequence[str]) -> Iterator[None]:
        """Batches have `len(names)` rows meanwhile; equal names stand together.

        Adapters with parts that are no linear layers (embeddings, modules saved whole) are switched on for the whole
        batch, so all rows must then have the same name: `alone` says which these are.
        """
        if not isinstance(model, PeftModel):
            yield
            return
        self._slices = _slices(names)
        try:
            if len(set(names)) == 1 and names[0] != BASE:
                model.set_adapter(names[0])
                yield
            else:
                with model.disable_adapter():
                    yield
        finally:
            self._slices = []

    def _forward(self, layer: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        result: torch.Tensor = layer.base_layer(x, *args, **kwargs)
        for name, rows in self._slices:
            if name in layer.lora_A:
                self._add(layer, name, x[rows], result[rows])
        return result

    def _add(self, layer: Any, name: str, x: torch.Tensor, result: torch.Tensor) -> None:
        """Change `result`, what the base gives for `x`, to what base and adapter give."""
        a, b = layer.lora_A[name], layer.lora_B[name]
        variant = dict(layer.lora_variant).get(name)
        if variant is not None and type(variant).__name__ != "DoraLinearVariant":
            result.copy_(variant.forward(layer, active_adapter=name, x=x.to(a.weight.dtype), result=result))
            return
        added = (b(a(x.to(a.weight.dtype))) * layer.scaling[name]).to(result.dtype)
        if variant is None:
            result.add_(added)
            return
        bias = getattr(layer.base_layer, "bias", None)
        own = result if bias is None else result - bias
        result.add_((self._scale(layer, name) - 1) * own + self._scale(layer, name) * added)

    def _scale(self, layer: Any, name: str) -> torch.Tensor:
        """DoRA's factor for each output, its magnitude over the norm of the adapted weight (Liu et al. 2024, eq. 5).

        The same for every batch, so it is worked out once.
        """
        key = id(layer), name
        if key not in self._scales:
            a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
            weight = dequantize_module_weight(layer.base_layer).to(a.dtype)
            norm = torch.linalg.norm(weight + layer.scaling[name] * (b @ a), dim=1)
            self._scales[key] = layer.lora_magnitude_vector[name].weight / norm
        return self._scales[key]

    def alone(self, model: Any) -> set[str]:
        """Adapters that cannot share a batch with others."""
        if not isinstance(model, PeftModel):
            return set()
        found = {name for name, config in model.peft_config.items() if getattr(config, "modules_to_save", None)}
        for layer in model.modules():
            if isinstance(layer, LoraLayer) and not hasattr(layer, "_routed"):
                found |= {*layer.lora_A, *layer.lora_embedding_A}
        return found


def _is_linear(layer: Any) -> bool:
    return isinstance(layer.base_layer, nn.Linear) and not getattr(layer, "fan_in_fan_out", False)


def _slices(names: Sequence[str]) -> list[tuple[str, slice]]:
    found, start = [], 0
    for name, rows in groupby(names):
        end = start + len(list(rows))
        if name != BASE:
            found.append((name, slice(start, end)))
        start = end
    return found
