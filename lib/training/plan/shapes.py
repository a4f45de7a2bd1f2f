"""The shape of a model: how many parameters of which kind, and what can have an adapter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Linear:
    """Linear layers of one name and size in the blocks; `count` of them."""

    name: str
    d_in: int
    d_out: int
    count: int

    @property
    def weights(self) -> int:
        return self.d_in * self.d_out * self.count


@dataclass(frozen=True)
class Shape:
    """Parameters by kind, and the sizes that memory and work depend on.

    `other`: norms, biases and whatever is neither of the kinds. `head` is 0 where the embedding is the head (`tied`).
    `experts`: parameters of a mixture of experts, which get no adapters. `inner`: width of the feed-forward part,
    `gated`: it has a gate. `dtype_bytes`: of a stored parameter. `quantized`: method that the files are quantised with.
    """

    model_type: str
    linear: int
    embeddings: int
    head: int
    other: int
    experts: int
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    inner: int
    vocab: int
    positions: int
    gated: bool
    tied: bool
    file_bytes: int
    dtype_bytes: int
    quantized: str
    linears: tuple[Linear, ...]

    @property
    def parameters(self) -> int:
        """All of them; a tied head counts once."""
        return self.linear + self.embeddings + self.head + self.other + self.experts

    @property
    def module_names(self) -> tuple[str, ...]:
        """Names of layers that can have an adapter, for `target_modules`."""
        return tuple(sorted({linear.name for linear in self.linears}))

    @property
    def head_parameters(self) -> int:
        """Of the head as it is computed with, its own or the embedding's."""
        return self.vocab * self.hidden

    def adapted(self, modules: str | Collection[str]) -> tuple[Linear, ...]:
        """The layers that get an adapter; `modules` as `TrainConfig.modules` gives them."""
        if isinstance(modules, str):
            return self.linears
        return tuple(linear for linear in self.linears if linear.name in modules)

    def adapter_parameters(self, r: int, modules: str | Collection[str], dora: bool = False) -> int:
        """Sum of r (d_in + d_out) over the adapted layers; DoRA adds a magnitude a row."""
        return sum(
            (r * (linear.d_in + linear.d_out) + (linear.d_out if dora else 0)) * linear.count
            for linear in self.adapted(modules)
        )

    def missing(self, modules: str | Collection[str]) -> list[str]:
        """Names among `modules` that no layer has."""
        return [] if isinstance(modules, str) else [name for name in modules if name not in self.module_names]

    def to_dict(self) -> dict[str, Any]:
        plain = {key: value for key, value in asdict(self).items() if key != "linears"}
        return {**plain, "parameters": self.parameters, "modules": list(self.module_names)}
