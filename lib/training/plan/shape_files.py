"""A model's shape, read from its config.json and the headers of its safetensors files; no weight is read.

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
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.errors import ModelError
from lib.models.weights import weight_files
from lib.training.plan.packed import unpacked
from lib.training.plan.shapes import Linear, Shape

MAX_HEADER = 100 << 20  # bytes; what safetensors itself accepts
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_BLOCK = re.compile(r"\.\d+\.")
_EMBEDDING = re.compile(r"embed|wte|wpe|position", re.IGNORECASE)
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out|output|score)\.weight$")
_EXPERT = re.compile(r"\.experts?\.")
_CONV1D = {"gpt2", "gpt_bigcode"}  # transformers' Conv1D: weights the other way round


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
