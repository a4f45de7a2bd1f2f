"""Base and tuned answers of a model of Llama-2-7B's shape on one GPU: ours beside plain batched `generate`.

python -m tests.bench.gpu_generation FOLDER plain|large|ours     a line of JSON: tokens a second, and GiB at the peak

`plain` answers in batches of 64, the base first and then the tuned side with PEFT's adapter on it; `large` the same in
batches as large as ours.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROMPTS, PROMPT_TOKENS, NEW_TOKENS = 256, 128, 128
BATCH = {"plain": 64, "large": 256}
WARM = 8  # prompts before the clock starts


def prompts() -> list[list[int]]:
    import numpy as np

    return np.random.default_rng(1).integers(3, 32000, (PROMPTS, PROMPT_TOKENS)).tolist()


def write_adapter(base: Path, folder: Path) -> None:
    """One that was not trained, but whose weights are as large as if it had been."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    tuned: Any = get_peft_model(model, LoraConfig(r=16, lora_alpha=16, target_modules="all-linear"))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(0, 0.02)
    tuned.save_pretrained(str(folder))


def plain(base: Path, adapter: Path, size: int) -> tuple[int, float]:
    """Tokens and seconds of transformers and PEFT, one side after the other."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, GenerationConfig

    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, device_map={"": "cuda"}).eval()
    config = GenerationConfig(max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0, eos_token_id=None)
    tokens, seconds = 0, 0.0
    for side in ("base", "tuned"):
        if side == "tuned":
            model = PeftModel.from_pretrained(model, str(adapter)).eval()
        asked = torch.tensor(prompts(), device="cuda")
        for start in (None, *range(0, PROMPTS, size)):
            rows = asked[:WARM] if start is None else asked[start : start + size]
            began = _now()
            found = model.generate(input_ids=rows, attention_mask=torch.ones_like(rows), generation_config=config)
            if start is not None:
                seconds += _now() - began
                tokens += found[:, PROMPT_TOKENS:].numel()
    return tokens, seconds


def ours(base: Path, adapter: Path) -> tuple[int, float]:
    from lib.inference.generator import BASE, Generator, Request, Sampling

    generator = Generator(base)
    generator.add_adapter("tuned", adapter)
    sampling = Sampling(max_new_tokens=NEW_TOKENS)
    requests = [Request(ids, name) for name in (BASE, "tuned") for ids in prompts()]
    list(generator.answers([*requests[:WARM], *requests[-WARM:]], sampling))
    began = _now()
    tokens = sum(len(answer.ids) for _, answer in generator.answers(requests, sampling))
    return tokens, _now() - began


def _now() -> float:
    """Once the GPU is done."""
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def main(base: Path, names: list[str]) -> None:
    import torch

    with tempfile.TemporaryDirectory() as folder:
        adapter = Path(folder)
        write_adapter(base, adapter)
        for name in names:
            torch.cuda.reset_peak_memory_stats()
            tokens, seconds = ours(base, adapter) if name == "ours" else plain(base, adapter, BATCH[name])
            found = {"rate": round(tokens / seconds, 1), "tokens": tokens, "peak": torch.cuda.max_memory_allocated()}
            print(json.dumps({"kind": "generation", "name": name, **found}), flush=True)
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
