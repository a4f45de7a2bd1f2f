"""A base and an adapter made one model. Imports torch: not for the web process.

Each layer is added up in float32 and rounded once, to the precision that the files are to have.

A base that was held in 4 or 8 bits in training is read out in full (dequantised) and merged there: these are the
weights that the adapter was trained against. Onto the unquantised base it would answer otherwise; merged into 4 bits
again it would be rounded away.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bitsandbytes as bnb
import torch
from accelerate.hooks import remove_hook_from_module
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from peft.utils.integrations import dequantize_module_weight
from safetensors import SafetensorError
from torch import nn
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from lib.errors import ModelError
from lib.models import loading

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
LARGEST_FILE = "5GB"


def stored_dtype(base: Path) -> str:
    """The precision of a base's files by what its configuration says; float32 when it says none that is known."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    name = str(config.get("dtype") or config.get("torch_dtype") or "").removeprefix("torch.")
    return name if name in DTYPES else "float32"


def merge(base: Path, quantization: str, adapter: Path, dtype: str) -> PreTrainedModel:
    """The base with the adapter in its weights, all of it in `dtype` and on the CPU: a card that holds the base in 4
    bits need not have room for the whole of it.

    Raises:
        ModelError: the base cannot be loaded, or the adapter cannot be merged into it.
    """
    model = _plain_base(base, dtype) if quantization == "none" else read_out(loading.load_base(base, quantization))
    try:
        adapted = PeftModel.from_pretrained(model, str(adapter))
        for module in adapted.modules():
            if isinstance(module, LoraLayer):
                _merge_layer(module, DTYPES[dtype])
        merged: Any = adapted.merge_and_unload()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(
            f"The adapter cannot be merged into its base: {str(error).splitlines()[0][:300]}",
            "Package the adapter by itself; it is used beside its base.",
        ) from error
    merged = merged.to(DTYPES[dtype])
    merged.config.dtype = DTYPES[dtype]
    return merged


def save(model: PreTrainedModel, folder: Path, stop_ids: list[int], pad_id: int | None) -> None:
    """Safetensors, configuration, and the tokens that end an answer."""
    model.generation_config = GenerationConfig(
        bos_token_id=model.config.bos_token_id, eos_token_id=stop_ids, pad_token_id=pad_id, do_sample=False
    )
    model.config.use_cache = True
    model.save_pretrained(folder, max_shard_size=LARGEST_FILE)


def _plain_base(base: Path, dtype: str) -> PreTrainedModel:
    """A base that was never quantised, as finely as it is stored, whatever the device computes with."""
    try:
        return AutoModelForCausalLM.from_pretrained(
            base,
            dtype=_finer(stored_dtype(base), dtype),
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
        )
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"The model in {base} cannot be loaded: {str(error).splitlines()[0][:300]}",
            "Check that its files are complete and that transformers knows its architecture.",
        ) from error


def _finer(stored: str, wanted: str) -> torch.dtype:
    """float32 unless both are the same: bfloat16 and float16 do not hold each other's numbers."""
    return DTYPES[stored] if stored == wanted else torch.float32


def read_out(model: PreTrainedModel) -> PreTrainedModel:
    """A quantised model with its weights as plain numbers, on the CPU, in the precision that they are computed with."""
    remove_hook_from_module(model, recurse=True)
    for name, module in list(model.named_modules()):
        if isinstance(module, (bnb.nn.Linear4bit, bnb.nn.Linear8bitLt)):
            weight = dequantize_module_weight(module).detach().to("cpu", loading.compute_dtype())
            plain = nn.Linear(module.in_features, module.out_features, module.bias is not None, device="meta")
            plain.weight = nn.Parameter(weight, requires_grad=False)
            plain.bias = module.bias
            model.set_submodule(name, plain)
    plain_model: Any = model
    plain_model.hf_quantizer.remove_quantization_config(model)
    return plain_model.to("cpu")


@torch.no_grad()
def _merge_layer(layer: Any, dtype: torch.dtype) -> None:
    """Add the adapter to one layer's weight in float32; only then round."""
    weight = layer.get_base_layer().weight
    weight.data = weight.data.float()
    layer.merge(safe_merge=True)
    weight.data = layer.get_base_layer().weight.data.to(dtype)
    layer.get_base_layer().weight = weight
