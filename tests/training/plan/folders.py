"""Model folders without weights: config.json, a tokenizer, and a safetensors file that is a header and a hole."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

from tests.formats.tokenizers_for_tests import llama2_like

LLAMA2_7B = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 4096,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}
LLAMA3_8B = {
    **LLAMA2_7B,
    "intermediate_size": 14336,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "vocab_size": 128256,
}
STARTER = {
    **LLAMA2_7B,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "max_position_embeddings": 8192,
    "vocab_size": 49152,
    "tie_word_embeddings": True,
}


def llama_tensors(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes as transformers saves a Llama."""
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    pair = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    tensors: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocab, hidden), "model.norm.weight": (hidden,)}
    if not config["tie_word_embeddings"]:
        tensors["lm_head.weight"] = (vocab, hidden)
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}"
        tensors |= {
            f"{block}.self_attn.q_proj.weight": (hidden, hidden),
            f"{block}.self_attn.k_proj.weight": (pair, hidden),
            f"{block}.self_attn.v_proj.weight": (pair, hidden),
            f"{block}.self_attn.o_proj.weight": (hidden, hidden),
            f"{block}.mlp.gate_proj.weight": (inner, hidden),
            f"{block}.mlp.up_proj.weight": (inner, hidden),
            f"{block}.mlp.down_proj.weight": (hidden, inner),
            f"{block}.input_layernorm.weight": (hidden,),
            f"{block}.post_attention_layernorm.weight": (hidden,),
        }
    return tensors


def write_hollow(
    folder: Path, config: dict[str, Any], tensors: dict[str, tuple[int, ...]] | None = None, dtype: str = "BF16"
) -> Path:
    """A model's folder whose weights take no room on the disk."""
    llama2_like(folder)
    (folder / "config.json").write_text(json.dumps(config))
    write_header(folder / "model.safetensors", tensors or llama_tensors(config), dtype)
    return folder


def write_header(path: Path, tensors: dict[str, tuple[int, ...]], dtype: str = "BF16") -> None:
    """A safetensors file of these tensors, sparse where its numbers would be."""
    width = {"BF16": 2, "F32": 4, "U8": 1}[dtype]
    entries, end = {}, 0
    for name, shape in tensors.items():
        size = math.prod(shape) * width
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    header = json.dumps(entries).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + end)
