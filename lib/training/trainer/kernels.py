"""The fast ways through a model, each taken where it gives what the plain one gives.

prepare_process  before the first tensor: how memory is had on a GPU, and which library multiplies on a CPU
prepare_base     a base before its adapter: Liger's kernels on CUDA, attention inside rows
prepare_adapted  the same with its adapter: LoRA in one function, norms on a CPU, the precision of the adapter
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel

from lib.training.trainer import attention, lora, norms

_EXACT = 1e-5  # relative error: float32 has 1e-6 here, bfloat16 3e-3


def prepare_process() -> None:
    if torch.cuda.is_available():
        # Batches of uneven lengths otherwise leave half the memory in pieces that nothing fits into.
        os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    else:
        _use_onednn()


def prepare_base(model: PreTrainedModel, dtype: torch.dtype) -> None:
    if model.device.type == "cuda":
        _use_liger(model)
    attention.use_rows(model, dtype)


def prepare_adapted(model: Any, dtype: torch.dtype) -> None:
    lora.fuse(model)
    if model.device.type == "cpu":
        norms.fuse(model)
    _set_adapter_dtype(model, dtype)


def _set_adapter_dtype(model: PeftModel, dtype: torch.dtype) -> None:
    """float32, but for bfloat16 on a quantised base on a GPU, where TRL and the QLoRA paper keep it in bfloat16.

    TRL casts adapters of quantised bases to bfloat16 always; the gradient scaler of float16 refuses those.
    """
    base: Any = model.get_base_model()
    quantized = getattr(base, "is_loaded_in_4bit", False) or getattr(base, "is_loaded_in_8bit", False)
    if quantized and dtype == torch.bfloat16 and base.device.type == "cuda":
        return
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def _use_onednn() -> None:
    """Multiply float32 through oneDNN where MKL holds back: on processors of other makers it is half as fast.

    The switch allows oneDNN to round to bfloat16, which it does on processors that have units for it; there it is
    taken back.
    """
    if not torch.backends.mkl.is_available() or _is_intel():
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    if not _is_exact():
        torch.set_float32_matmul_precision(before)


def _is_exact() -> bool:
    random = torch.Generator().manual_seed(0)
    left, right = (torch.randn(256, 256, generator=random) for _ in range(2))
    exact = left.double() @ right.double()
    return float(((left @ right).double() - exact).norm() / exact.norm()) < _EXACT


def _is_intel() -> bool:
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True


def _use_liger(model: PreTrainedModel) -> None:
    """Its kernels for norms, rotations and gates. The head has one of its own in `head`."""
    if find_spec("liger_kernel") is None:
        return
    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN, _apply_liger_kernel_to_instance

    if model.config.model_type in MODEL_TYPE_TO_APPLY_LIGER_FN:
        _apply_liger_kernel_to_instance(model=model, cross_entropy=False, fused_linear_cross_entropy=False)
