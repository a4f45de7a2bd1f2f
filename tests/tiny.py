"""A tiny Llama and a dataset for it: real training and generation in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.formats.tokenizers_for_tests import starter_like

# Every tenth is held out. Answers follow from questions, so that a few steps lower the loss.
ROWS = [
    {"instruction": f"Add {n} and {n}.", "input": "", "output": f"The answer is {2 * n}.", "split": split}
    for n in range(60)
    for split in ["test" if n % 10 == 0 else "train"]
]
SETTINGS = {
    "max_steps": 4,
    "per_device_train_batch_size": 4,
    "learning_rate": 0.01,
    "r": 4,
    "lora_alpha": 8,
    "eval_rows": 4,
}


def write_model(
    folder: Path, inner: int = 128, seed: int = 0, tokenizer: Callable[[Path], Path] = starter_like
) -> Path:
    """Two layers, random weights large enough that greedy answers differ between prompts; float32 safetensors.

    `tokenizer` writes its files.
    """
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer(folder)
    known = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(known),
        hidden_size=64,
        intermediate_size=inner,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
        tie_word_embeddings=False,
        bos_token_id=known.bos_token_id,
        eos_token_id=known.eos_token_id,
        pad_token_id=known.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def write_adapter(base: Path, folder: Path, seed: int, rank: int = 4, scale: float = 0.3, **options: Any) -> Path:
    """An adapter whose two halves are both random, so that it changes every answer; `options` of PEFT's LoraConfig."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    config = LoraConfig(**{"r": rank, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **options})
    adapted = get_peft_model(model, config)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_magnitude" in name:
                weight.mul_(torch.rand_like(weight) + 0.5)
            elif "lora_" in name or "modules_to_save" in name:
                weight.normal_(0, scale)
    adapted.save_pretrained(str(folder))
    return folder
