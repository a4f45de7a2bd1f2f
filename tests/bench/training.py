"""Real tokens a second of LoRA on the starter, and what was learned: TRL as it comes, a bare loop, and our trainer.

All three take the same rows in the same order, in steps of four, in processes of their own, one after another. The
rows are those of an Alpaca file (BENCH_ALPACA, a JSON list), or made from the sample's texts with lengths as Alpaca's.
The loss at the end is measured by one function, in float32, on rows that nobody trained on.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lib.settings import ROOT, settings

STEPS, BATCH, HELD_OUT, LENGTH = 8, 4, 16, 512
TRL_SECONDS = 240.0
"""TRL's defaults are not given more steps after that: bfloat16 takes an hour on processors without units for it."""
LORA = {"r": 16, "lora_alpha": 32}
RATE, SEED = 2e-4, 42
Row = tuple[list[int], list[int]]  # ids and labels


def measure() -> list[tuple[str, str, str, str, str]]:
    starter = settings.home / "models" / "starter"
    trl, bare, ours = (_run(kind, starter) for kind in ("trl", "bare", "ours"))
    what = f"LoRA r16 on the starter, batch {BATCH}, <= {LENGTH} tokens: "
    rate = f"{ours['rate']:.0f}"
    whole = [one for one in (trl, bare) if one["tokens"] == ours["tokens"]]
    told = f"{trl['loss']:.4f} (TRL), " if trl in whole else ""
    return [
        _line(f"{what}real tokens/s", rate, f"{trl['rate']:.0f} (TRL's defaults)", ours["rate"] / trl["rate"], ">= 3"),
        _line("the same", rate, f"{bare['rate']:.0f} (bare loop, no padding)", ours["rate"] / bare["rate"], ">= 0.85"),
        _line(
            f"held-out loss after {ours['tokens']:,} tokens ({ours['before']:.3f} before)",
            f"{ours['loss']:.4f}",
            f"{told}{bare['loss']:.4f} (bare)",
            ours["loss"] / min(one["loss"] for one in whole),
            "<= 1.00",
        ),
        _line("peak memory of the process, GB", f"{ours['peak']:.2f}", f"{trl['peak']:.2f} (TRL)", 0, "shown"),
    ]


def _line(what: str, ours: str, baseline: str, ratio: float, budget: str) -> tuple[str, str, str, str, str]:
    return what, ours, baseline, f"{ratio:.2f}" if ratio else "", budget


def _run(kind: str, starter: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.training", kind, str(starter), folder]
        # For all of them, as the trainer sets it for itself: otherwise a busy machine decides who is fastest.
        environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{kind}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    cores = f"{found['per_cpu_second']:.0f} for every second of all cores"
    print(f"  {kind}: {found['rate']:.0f} tokens/s, {cores}, loss {found['loss']:.4f}", file=sys.stderr, flush=True)
    return found


def _conversations() -> list[tuple[str, str, str]]:
    """Instruction, input, output."""
    if path := os.environ.get("BENCH_ALPACA"):
        return [
            (row["instruction"], row["input"], row["output"])
            for row in json.loads(Path(path).read_text(encoding="utf-8"))
        ]
    lines = (ROOT / "studio" / "samples" / "medical-terms" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    choose = random.Random(SEED)
    made = []
    for row in rows:
        others = choose.sample(rows, min(9, round(choose.lognormvariate(0.6, 0.8))))
        made.append((row["instruction"], row["input"], " ".join(each["output"] for each in [row, *others])))
    return made


def _rows(starter: Path) -> list[Row]:
    from lib.formats import labels, load_tokenizer, render
    from lib.records import Conversation, Message

    tokenizer = load_tokenizer(starter)
    rows: list[Row] = []
    for instruction, context, output in _conversations():
        conversation = Conversation((Message("user", instruction, context), Message("assistant", output)))
        tokens = tokenizer.tokenize(render(conversation, "chatml", tokenizer))
        rows.append((tokens.ids[:LENGTH], labels(tokens)[:LENGTH]))
        if len(rows) == STEPS * BATCH + HELD_OUT:
            break
    return rows


def _measured(kind: str, starter: Path, folder: Path) -> dict[str, Any]:
    rows = _rows(starter)
    train, held_out = rows[: STEPS * BATCH], rows[STEPS * BATCH :]
    way = {"trl": _trl, "bare": _bare, "ours": _ours}[kind]
    model, seconds, busy, steps = way(starter, folder, train)
    tokens = sum(len(ids) for ids, _ in train[: steps * BATCH])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "tokens": tokens,
        "rate": tokens / seconds,
        "per_cpu_second": tokens / busy * (os.cpu_count() or 1),
        "before": _held_out_loss(starter, held_out) if kind == "ours" else 0.0,
        "loss": _held_out_loss(starter, held_out, model),
        "peak": peak / 1e6,
    }


def _held_out_loss(starter: Path, rows: list[Row], model: Any = None) -> float:
    """Nats a trained token of a base in float32 with the model's adapter, row by row."""
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
    from torch.nn import functional
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(starter, dtype=torch.float32)
    fresh = get_peft_model(base, LoraConfig(**LORA, target_modules="all-linear", task_type="CAUSAL_LM")).eval()
    if model is not None:
        set_peft_model_state_dict(fresh, get_peft_model_state_dict(model))
    total, count = 0.0, 0
    with torch.no_grad():
        for ids, labels in rows:
            logits = fresh(torch.tensor([ids]), use_cache=False).logits[0, :-1]
            total += float(functional.cross_entropy(logits, torch.tensor(labels[1:]), reduction="sum"))
            count += sum(label != -100 for label in labels[1:])
    return total / count


class _Clock:
    """Seconds, of the clock and of the processor, from the first step's beginning to the last one's end."""

    def __init__(self) -> None:
        self.began = (0.0, 0.0)

    def start(self) -> None:
        self.began = (time.perf_counter(), time.process_time())

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.began[0], time.process_time() - self.began[1]


def _train(trainer: Any, most_seconds: float = float("inf")) -> tuple[float, float, int]:
    """Seconds of the clock and of the processor, and the steps that were taken in them."""
    from transformers import TrainerCallback

    clock = _Clock()

    class Start(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.start()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_training_stop |= clock.read()[0] > most_seconds

    trainer.add_callback(Start())
    trainer.train()
    return *clock.read(), trainer.state.global_step


def _trl(starter: Path, folder: Path, train: list[Row]) -> tuple[Any, float, float, int]:
    """Its defaults; the rows come with their labels, so that it learns the same tokens."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    data = Dataset.from_dict({"input_ids": [ids for ids, _ in train], "labels": [labels for _, labels in train]})
    args = SFTConfig(
        output_dir=str(folder),
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        learning_rate=RATE,
        seed=SEED,
        train_sampling_strategy="sequential",
        use_cpu=True,
        report_to="none",
        save_strategy="no",
    )
    lora = LoraConfig(**LORA, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(str(starter), args, train_dataset=data, peft_config=lora)
    return trainer.model, *_train(trainer, TRL_SECONDS)


def _bare(starter: Path, folder: Path, train: list[Row]) -> tuple[Any, float, float, int]:
    """Forward, backward and step in PyTorch, a row at a time: nothing is padded, and nobody is told anything."""
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.nn import functional
    from transformers import AutoModelForCausalLM

    torch.manual_seed(SEED)
    base = AutoModelForCausalLM.from_pretrained(starter, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(**LORA, target_modules="all-linear", task_type="CAUSAL_LM")).train()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, STEPS)
    clock = _Clock()
    clock.start()
    for start in range(0, len(train), BATCH):
        batch = train[start : start + BATCH]
        count = sum(label != -100 for _, labels in batch for label in labels[1:])
        for ids, labels in batch:
            logits = model(torch.tensor([ids]), use_cache=False).logits[0, :-1]
            (functional.cross_entropy(logits, torch.tensor(labels[1:]), reduction="sum") / count).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return model, *clock.read(), STEPS


def _ours(starter: Path, folder: Path, train: list[Row]) -> tuple[Any, float, float, int]:
    """The trainer as a run has it, writing its metrics."""
    import lib.training.trainer  # noqa: F401 (as in a job: before torch)
    from lib.training.config import TrainConfig
    from lib.training.rows import Prepared, TokenRow
    from lib.training.trainer.building import build
    from lib.training.trainer.recorder import Recorder
    from tests.helpers import FakeJob

    config = TrainConfig(
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        learning_rate=RATE,
        warmup_steps=0,
        max_length=LENGTH,
        seed=SEED,
        precision=os.environ.get("BENCH_PRECISION", "auto"),
        **LORA,
    )
    rows = [
        TokenRow(number, ids, labels, sum(label != -100 for label in labels))
        for number, (ids, labels) in enumerate(train)
    ]
    run: Any = SimpleNamespace(id="bench", folder=folder, config=config)
    recorder = Recorder(folder / "metrics.jsonl", FakeJob(), config)  # type: ignore[arg-type]
    trainer = build(run, starter, Prepared(train=rows), recorder)
    recorder.trainer = trainer
    recorder.start()
    trainer.order = range(len(rows))  # type: ignore[assignment]
    return trainer.adapted, *_train(trainer)


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
