"""What is trained in `tests.bench.gpu_runs`: a model of Llama-2-7B's shape, rows, and the settings of each run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHAPE: dict[str, Any] = {
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
}
LENGTH, MEAN, SPREAD, WORDS = 1024, 370, 0.8, 1000
WARM = 3  # steps before the clock starts: kernels are compiled in them


@dataclass(frozen=True)
class Case:
    """`batch` rows at once, `accumulation` times a step; uneven rows have log-normal lengths of `MEAN` tokens."""

    quantization: str = "nf4"
    batch: int = 8
    checkpointing: bool = False
    uneven: bool = False
    packing: bool = False
    accumulation: int = 1
    precision: str = "auto"
    r: int = 16
    dropout: float = 0.0
    modules: str = "all-linear"
    steps: int = 8

    @property
    def rows(self) -> int:
        """Enough for all steps; packed sequences take several."""
        return self.batch * self.accumulation * (self.steps + WARM) * (4 if self.packing else 1)


CASES = {
    "fast": Case(),
    "fast bf16": Case("none"),
    "save": Case(batch=4, checkpointing=True),
    "uneven": Case(batch=16, uneven=True),
    "uneven packed": Case(uneven=True, packing=True),
    "defaults": Case(batch=4, checkpointing=True),
    "defaults uneven": Case(batch=4, accumulation=4, checkpointing=True, uneven=True),
    "no checkpoints": Case(),
    "recipe of 2023": Case(
        batch=4, checkpointing=True, precision="fp16", r=64, dropout=0.1, modules="q_proj,v_proj", steps=97
    ),
    "fp16": Case("none", batch=4, precision="fp16"),
    **{
        f"memory {name} {batch} x {LENGTH}{', checkpoints' if checkpoints else ''}": Case(base, batch, checkpoints)
        for name, base in (("nf4", "nf4"), ("int8", "int8"), ("bf16", "none"))
        for batch, checkpoints in ((1, True), (4, True), (4, False))
    },
}


def write_base(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    from tests.formats.tokenizers_for_tests import starter_like

    folder.mkdir(parents=True, exist_ok=True)
    starter_like(folder)
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        config = LlamaConfig(vocab_size=32000, max_position_embeddings=4096, **SHAPE)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="2GB")


def rows(case: Case) -> list[list[int]]:
    """Token ids; few different ones, so that a few steps lower the loss."""
    import numpy as np

    random = np.random.default_rng(0)
    lengths = np.full(case.rows, LENGTH)
    if case.uneven:
        drawn = random.lognormal(math.log(MEAN) - SPREAD**2 / 2, SPREAD, case.rows)
        lengths = np.clip(drawn, 16, LENGTH).astype(int)
    return [random.integers(0, WORDS, length).tolist() for length in lengths]
