"""Training runs on one GPU, each figure of which `tests.bench.gpu` puts into a line.

python -m tests.bench.gpu_runs base FOLDER                    a model of Llama-2-7B's shape with random weights, 13.5 GB
python -m tests.bench.gpu_runs ours|trl|unsloth FOLDER CASE…  trains; writes a line of JSON a case
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.bench.gpu_cases import CASES, LENGTH, WARM, Case, rows, write_base


class Meter:
    """Real tokens a second after `WARM` steps, and the peak of what torch allotted since the training began."""

    def __init__(self, trainer: Any) -> None:
        from transformers import TrainerCallback

        meter = self
        self.began, self.tokens, self.losses = 0.0, 0, list[float]()

        class Watch(TrainerCallback):
            def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if state.global_step == WARM:
                    meter.began, meter.tokens = meter.now(), 0

            def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
                if logs and "loss" in logs:
                    meter.losses.append(round(float(logs["loss"]), 4))

        self.trainer, compute_loss = trainer, trainer.compute_loss

        def counted(model: Any, inputs: dict[str, Any], *arguments: Any, **options: Any) -> Any:
            meter.tokens = meter.tokens + inputs.get("attention_mask", inputs["input_ids"] >= 0).sum()
            return compute_loss(model, inputs, *arguments, **options)

        trainer.compute_loss = counted
        trainer.add_callback(Watch())

    def train(self, steps: int) -> dict[str, Any]:
        import torch

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self.trainer.train()
        seconds = self.now() - self.began
        return {
            "tokens": int(self.tokens),
            "rate": round(int(self.tokens) / seconds, 1),
            "seconds_a_step": round(seconds / steps, 4),
            "peak": torch.cuda.max_memory_allocated(),
            "reserved": torch.cuda.max_memory_reserved(),
            "loss": [*self.losses[:2], *self.losses[-2:]],
        }

    @staticmethod
    def now() -> float:
        """Once the GPU is done."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def ours(base: Path, folder: Path, case: Case) -> dict[str, Any]:
    """The trainer as a run has it, writing its metrics, and what the plan says of its memory."""
    import lib.training.trainer  # noqa: F401 (as in a job: before torch)
    from lib.training.config import TrainConfig
    from lib.training.rows import Prepared, TokenRow
    from lib.training.trainer.building import build
    from lib.training.trainer.recorder import Recorder
    from tests.helpers import FakeJob

    config = TrainConfig(
        max_steps=case.steps + WARM,
        per_device_train_batch_size=case.batch,
        gradient_accumulation_steps=case.accumulation,
        learning_rate=2e-4,
        max_length=LENGTH,
        packing=case.packing,
        gradient_checkpointing="on" if case.checkpointing else "off",
        quantization=case.quantization,
        precision=case.precision,
        r=case.r,
        lora_alpha=16,
        lora_dropout=case.dropout,
        target_modules=case.modules,
    )
    train = [TokenRow(number, ids, ids, len(ids)) for number, ids in enumerate(rows(case))]
    run: Any = SimpleNamespace(id="bench", folder=folder, config=config)
    recorder = Recorder(folder / "metrics.jsonl", FakeJob(), config)  # type: ignore[arg-type]
    trainer = build(run, base, Prepared(train=train), recorder)
    recorder.trainer = trainer
    recorder.start()
    return {**Meter(trainer).train(case.steps), "plan": planned(base, config, [len(row.ids) for row in train])}


def planned(base: Path, config: Any, lengths: list[int]) -> int:
    """Bytes that the plan expects at the peak."""
    from lib.devices import default_device
    from lib.training.plan.auto import precision_of
    from lib.training.plan.batches import longest_batch
    from lib.training.plan.estimate import estimate
    from lib.training.plan.shape_files import read_shape

    device, checkpointing = default_device(), config.gradient_checkpointing == "on"
    batch, precision = longest_batch(lengths, lengths, config), precision_of(config, device)
    return estimate(read_shape(base), config, device, batch, precision, checkpointing=checkpointing).peak


def trl(base: Path, folder: Path, case: Case) -> dict[str, Any]:
    """TRL's defaults, on a 4-bit base."""
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTTrainer

    nf4 = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype="bfloat16"
    )
    model = AutoModelForCausalLM.from_pretrained(
        base,
        quantization_config=nf4,
        dtype=torch.bfloat16,
        device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
    )
    lora = LoraConfig(r=case.r, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    tokenizer = AutoTokenizer.from_pretrained(base)
    trainer = SFTTrainer(
        model, _arguments(folder, case), train_dataset=_data(case), peft_config=lora, processing_class=tokenizer
    )
    return Meter(trainer).train(case.steps)


def unsloth(base: Path, folder: Path, case: Case) -> dict[str, Any]:
    """As its documentation has it: with its own checkpoints, or none."""
    from unsloth import FastLanguageModel  # isort: skip (it patches the others as they are imported)
    import torch
    from trl import SFTTrainer

    model, tokenizer = FastLanguageModel.from_pretrained(
        str(base), max_seq_length=LENGTH, dtype=torch.bfloat16, load_in_4bit=True, local_files_only=True
    )
    modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = FastLanguageModel.get_peft_model(
        model,
        r=case.r,
        lora_alpha=16,
        lora_dropout=0,
        bias="none",
        target_modules=modules,
        use_gradient_checkpointing="unsloth" if case.checkpointing else False,
    )
    arguments = _arguments(folder, case, bf16=True, dataset_kwargs={"skip_prepare_dataset": True})
    trainer = SFTTrainer(model=model, args=arguments, train_dataset=_data(case), processing_class=tokenizer)
    return Meter(trainer).train(case.steps)


def _arguments(folder: Path, case: Case, **more: Any) -> Any:
    import torch
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(folder),
        max_steps=case.steps + WARM,
        per_device_train_batch_size=case.batch,
        gradient_accumulation_steps=case.accumulation,
        learning_rate=2e-4,
        use_cpu=not torch.cuda.is_available(),
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        **more,
    )


def _data(case: Case) -> Any:
    from datasets import Dataset

    ids = rows(case)
    return Dataset.from_dict({"input_ids": ids, "labels": ids})


def main(kind: str, base: Path, names: list[str]) -> None:
    if kind == "base":
        return write_base(base)
    for name in names:
        case = CASES[name]
        try:
            with tempfile.TemporaryDirectory() as folder:
                found = {"ours": ours, "trl": trl, "unsloth": unsloth}[kind](base, Path(folder), case)
        except Exception as error:  # the other cases are measured all the same
            traceback.print_exc()
            found = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps({"kind": kind, "name": name, **found, "held": _held(), "case": asdict(case)}), flush=True)
    return None


def _held() -> int:
    """Bytes that are still allotted after a run, when all of it that can be given back is."""
    import torch

    gc.collect()
    torch.cuda.empty_cache()
    return torch.cuda.memory_allocated()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
