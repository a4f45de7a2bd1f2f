"""The shape of a model, from its config.json and the headers of its safetensors files; no weight is read.

shape = read_shape(models.find("starter").path)
shape.parameters, shape.module_names, shape.adapter_parameters(16, ["q_proj"])

Works for causal language models as transformers saves them: blocks are what has a number in its name.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.errors import ModelError
from lib.models.weights import weight_files
from lib.training.plan.packed import unpacked

MAX_HEADER = 100 << 20  # bytes; what safetensors itself accepts
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_BLOCK = re.compile(r"\.\d+\.")
_EMBEDDING = re.compile(r"embed|wte|wpe|position", re.IGNORECASE)
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out|output|score)\.weight$")
_EXPERT = re.compile(r"\.experts?\.")
_CONV1D = {"gpt2", "gpt_bigcode"}  # transformers' Conv1D: weights the other way round


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


def read_shape(folder: Path) -> Shape:
    """The shape of the model in a folder; kept until one of its files changes.

    Raises:
        ModelError: config.json or a header is missing or damaged.
    """
    config = folder / "config.json"
    try:
        files = (config, *weight_files(folder))
        stamp = tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    except OSError as error:
        raise ModelError(f"{error.filename} cannot be read: {error.strerror}.", "Fetch the model again.") from error
    return _read(folder.resolve(), stamp)


@lru_cache(maxsize=32)
def _read(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Shape:
    config = _object(folder / "config.json")
    config = {**config, **config["text_config"]} if isinstance(config.get("text_config"), dict) else config
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for name, _, _ in stamp[1:]:
        tensors.update(_header(folder / name))
    method = _quantization(config)
    known = unpacked(config, tensors) if method else {name: shape for name, (_, shape) in tensors.items()}
    size = sum(math.prod(shape) * BYTES.get(dtype, 2) for dtype, shape in tensors.values())
    return _shape(config, known, size, method)


def _quantization(config: dict[str, Any]) -> str:
    found = config.get("quantization_config")
    return str(found.get("quant_method", "unknown")) if isinstance(found, dict) else ""


def _header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Each tensor's type and shape: eight bytes of length, then JSON (the format's own description)."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER:
                raise ValueError("its header is too long")
            found = json.loads(file.read(length))
        return {
            name: (str(entry["dtype"]), tuple(int(size) for size in entry["shape"]))
            for name, entry in found.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(f"{path} is not a whole safetensors file.", "Fetch the model again.") from error


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read.", "Fetch the model again.") from error
    return found if isinstance(found, dict) else {}


def _shape(config: dict[str, Any], tensors: dict[str, tuple[int, ...]], size: int, method: str) -> Shape:
    sums: Counter[str] = Counter()
    linears: Counter[tuple[str, int, int]] = Counter()
    tied = not any(_HEAD.search(name) for name in tensors) or bool(config.get("tie_word_embeddings"))
    for name, shape in tensors.items():
        kind = _kind(name, shape)
        if kind == "head" and tied:
            continue  # some files hold the embedding under both names
        sums[kind] += math.prod(shape)
        if kind == "linear":
            d_out, d_in = reversed(shape) if config.get("model_type") in _CONV1D else shape
            linears[name.removesuffix(".weight").rpartition(".")[2], d_in, d_out] += 1
    vocab, hidden = _embedding(config, tensors)
    heads = _number(config, "num_attention_heads", "n_head") or 1
    total = sum(math.prod(shape) for shape in tensors.values())
    found = tuple(Linear(*key, count) for key, count in sorted(linears.items()))
    return Shape(
        model_type=str(config.get("model_type", "unknown")),
        **{kind: sums[kind] for kind in ("linear", "embeddings", "head", "other", "experts")},
        layers=_number(config, "num_hidden_layers", "n_layer", "num_layers") or _layers(tensors),
        hidden=hidden,
        heads=heads,
        kv_heads=_number(config, "num_key_value_heads", "num_kv_heads") or heads,
        head_dim=_number(config, "head_dim") or hidden // heads,
        inner=_inner(config, found, hidden),
        vocab=vocab,
        positions=_number(config, "max_position_embeddings", "n_positions"),
        gated=any("gate" in linear.name for linear in found),
        tied=tied,
        file_bytes=size,
        dtype_bytes=round(size / total) if total and not method else 2,
        quantized=method,
        linears=found,
    )


def _kind(name: str, shape: tuple[int, ...]) -> str:
    if not _BLOCK.search(name):
        if _HEAD.search(name):
            return "head"
        return "embeddings" if len(shape) == 2 and _EMBEDDING.search(name) else "other"
    if _EXPERT.search(name):
        return "experts"
    is_linear = len(shape) == 2 and name.endswith(".weight") and not re.search(r"norm|embed", name.lower())
    return "linear" if is_linear else "other"


def _number(config: dict[str, Any], *names: str) -> int:
    """The first of these that is there; 0 where none is."""
    return next((value for name in names if isinstance(value := config.get(name), int) and value > 0), 0)


def _embedding(config: dict[str, Any], tensors: dict[str, tuple[int, ...]]) -> tuple[int, int]:
    """Vocabulary and hidden size: of the largest embedding, else what the configuration says."""
    sizes = [shape for name, shape in tensors.items() if _kind(name, shape) == "embeddings"]
    vocab, hidden = max(sizes, key=math.prod, default=(0, 0))
    return vocab or _number(config, "vocab_size"), _number(config, "hidden_size", "n_embd", "d_model") or hidden


def _layers(tensors: dict[str, tuple[int, ...]]) -> int:
    numbers = [int(found[0].strip(".")) for name in tensors if (found := _BLOCK.search(name))]
    return max(numbers, default=-1) + 1


def _inner(config: dict[str, Any], linears: tuple[Linear, ...], hidden: int) -> int:
    known = _number(config, "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size")
    return known or max((linear.d_out for linear in linears if linear.d_in == hidden), default=4 * hidden)
