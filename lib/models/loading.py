"""Loading a base model in the precision that the device at hand is good at.

Imports torch: not for the web process.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel

from lib.errors import ModelError

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
ROOM = 1.15  # of the weights: for keys, values and logits of the few prompts that a model is asked


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_with_room(parameters: int) -> torch.device:
    """The GPU where so many numbers in `compute_dtype()` fit beside what it holds already, else the CPU."""
    if torch.cuda.is_available() and ROOM * parameters * compute_dtype().itemsize <= torch.cuda.mem_get_info()[0]:
        return device()
    return torch.device("cpu")


def free() -> None:
    """Give back what models held that nobody refers to any more; a GPU's memory stays taken without."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def compute_dtype() -> torch.dtype:
    """bfloat16 on GPUs that have it, float16 on older ones; float32 on a CPU."""
    if not torch.cuda.is_available():
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def training_dtype(precision: str = "auto") -> torch.dtype:
    """What a run multiplies in; `auto` is what the device is fastest with.

    Processors with units for bfloat16 train half as fast again in it, or more, in two thirds of the memory and to the
    same loss; it is read off their flags, so that a run that is taken up again has the same.
    """
    if precision != "auto":
        return DTYPES[precision]
    if torch.cuda.is_available():
        return compute_dtype()
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def load_base(
    folder: Path, quantization: str = "none", dtype: torch.dtype | None = None, on: torch.device | None = None
) -> PreTrainedModel:
    """Load a causal language model for training or generation.

    Args:
        quantization: `none`, `nf4` (4 bits with double quantisation, as in QLoRA, arXiv 2305.14314) or `int8`.
        dtype: what is not quantised is held in, and computed with; `compute_dtype()` unless said.
        on: where it is held; `device()` unless said.

    Raises:
        ModelError: the files cannot be loaded; says what transformers said.
    """
    dtype = dtype or compute_dtype()
    options: dict[str, Any] = {"dtype": dtype, "attn_implementation": "sdpa"}
    if quantization != "none":
        options["quantization_config"] = _quantization(quantization, dtype)
    if torch.cuda.is_available() or quantization != "none":
        options["device_map"] = {"": on or device()}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, trust_remote_code=False, use_safetensors=True, local_files_only=True, **options
        )
    except torch.cuda.OutOfMemoryError as error:
        raise ModelError(
            "The model does not fit into the GPU's memory.", "Hold it in 4 bits: --set quantization=nf4."
        ) from error
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"The model in {folder} cannot be loaded: {str(error).splitlines()[0][:300]}",
            "Check that its files are complete and that transformers knows its architecture.",
        ) from error
    if not torch.cuda.is_available():
        _keep_gradients(model)
    return model


def _keep_gradients(model: PreTrainedModel) -> None:
    """Make a 4-bit base safe to train on a CPU after it was evaluated there, and alike in training and generation.

    At the first evaluation on a CPU with AVX512-BF16, bitsandbytes (0.50) repacks the weights for a kernel that has no
    gradient; training then goes on with gradients that are wrong, and only a warning says so.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            setattr(module, "support_avx512bf16_for_cpu", False)  # noqa: B010 (mypy takes it for a tensor)


def load_tokenizer(folder: Path) -> Any:
    """The transformers tokenizer, which TRL and saved adapters want; rendering goes through `lib.formats`."""
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _quantization(kind: str, dtype: torch.dtype) -> BitsAndBytesConfig:
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
