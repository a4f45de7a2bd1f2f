"""Real tokens a second of LoRA on the starter: our trainer beside TRL as it comes, same rows, same adapter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lib.settings import ROOT, settings

STEPS = 8


def measure() -> list[tuple[str, str, str, str, str]]:
    """Both in processes of their own, one after the other."""
    starter = settings.home / "models" / "starter"
    ours, baseline = (_run(kind, starter) for kind in ("ours", "trl"))
    what = "LoRA r16 on the starter, batch 4, tokens/s"
    return [
        (what, f"{ours:.0f}", f"{baseline:.0f} (TRL's defaults)", f"{ours / baseline:.2f}", ">= 3 (a later milestone)")
    ]


def _run(kind: str, starter: Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.training", kind, str(starter), folder]
        done = subprocess.run(command, cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True, check=True)
        return float(done.stdout.strip().splitlines()[-1])


def _rate(kind: str, starter: Path, folder: str) -> float:
    import json
    import time

    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from lib.formats import labels, load_tokenizer, render
    from lib.models import loading
    from lib.records import Conversation, Message
    from lib.training.trainer.loss import AnswerLossTrainer

    tokenizer = load_tokenizer(starter)
    rows = []
    for line in (ROOT / "studio" / "samples" / "medical-terms" / "rows.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        user = Message("user", row["instruction"], row["input"])
        segments = render(Conversation((user, Message("assistant", row["output"]))), "llama2", tokenizer)
        tokens = tokenizer.tokenize(segments)
        rows.append({"input_ids": tokens.ids, "labels": labels(tokens)})
    data = Dataset.from_list(rows[: STEPS * 4])
    common = {"output_dir": folder, "max_steps": STEPS, "per_device_train_batch_size": 4, "report_to": "none"}
    common |= {"save_strategy": "no", "use_cpu": True, "disable_tqdm": True, "logging_steps": 100}
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    if kind == "trl":
        trainer = SFTTrainer(str(starter), SFTConfig(**common), train_dataset=data, peft_config=lora)
    else:
        args = SFTConfig(
            **common,
            bf16=False,
            gradient_checkpointing=False,
            padding_free=True,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
        )
        model = loading.load_base(starter)
        trainer = AnswerLossTrainer(
            model, args, train_dataset=data, peft_config=lora, processing_class=loading.load_tokenizer(starter)
        )
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    return sum(len(row["input_ids"]) for row in rows[: STEPS * 4]) / seconds


if __name__ == "__main__":
    print(_rate(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
