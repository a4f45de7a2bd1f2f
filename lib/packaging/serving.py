"""The commands that serve a package with vLLM; that of Ollama is in `ollama.py`."""

from __future__ import annotations

import shlex
from pathlib import Path

from lib.packaging.chat import TEMPLATE
from lib.training.adapter_files import AdapterFiles

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM's --max-lora-rank may be: https://docs.vllm.ai/en/latest/features/lora."""


def vllm_merged(folder: str, name: str, has_template: bool = True) -> str:
    """Serve a merged model under a name."""
    return shlex.join(["vllm", "serve", folder, "--served-model-name", name, *_template(folder, has_template)])


def vllm_adapter(
    adapter: AdapterFiles, base: str, folder: str, name: str, quantization: str, has_template: bool = True
) -> str:
    """Serve an adapter beside its base, held as it was in training; empty when vLLM cannot (see `for_vllm`)."""
    rank = next((rank for rank in RANKS if rank >= adapter.rank), None)
    if rank is None or not adapter.for_vllm:
        return ""
    held = ["--quantization", "bitsandbytes"] if quantization == "nf4" else []
    return shlex.join(
        [
            "vllm",
            "serve",
            base,
            "--enable-lora",
            "--lora-modules",
            f"{name}={folder}",
            "--max-lora-rank",
            str(rank),
            *held,
            *_template(folder, has_template),
        ]
    )


def _template(folder: str, there: bool) -> list[str]:
    return ["--chat-template", str(Path(folder) / TEMPLATE)] if there else []
