"""One run, in a process of its own: the job `train`. The only place that drives TRL.

It writes `metrics.jsonl` as it goes, the adapter at the end (also when stopped), and the manifest last.
"""

from __future__ import annotations

import json
import math
import platform
import resource
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig

from lib import models
from lib.data import datasets
from lib.errors import BadInput, ModelError, Stopped, StorageError
from lib.formats import ModelTokenizer, get_template, load_tokenizer
from lib.jobs.context import JobContext
from lib.models import loading
from lib.storage import disk_errors, new_folder, write_json
from lib.training import runs
from lib.training.config import TrainConfig
from lib.training.loss import AnswerLossTrainer
from lib.training.rows import Prepared, TokenRow, prepare
from lib.training.runs import RunView


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Train the run named in the payload; returns its summary, the shape that `train --json` ends with."""
    run = runs.get(payload["run"])
    with disk_errors(run.folder):
        return _train(run, job)


def _train(run: RunView, job: JobContext) -> dict[str, Any]:
    if models.is_hub_id(run.model):
        job.progress(0, None, "fetching the model from the Hub")
    base = models.find(run.model, download=True)
    tokenizer = load_tokenizer(base.path)
    job.progress(0, None, "reading the data")
    prepared = prepare(datasets.get(run.data_ref), run.template, tokenizer, run.config)
    print(f"data: {json.dumps(prepared.to_dict(), ensure_ascii=False)}", flush=True)
    job.progress(0, None, "loading the model")
    recorder = Recorder(run.folder / "metrics.jsonl", job)
    trainer = _build(run, base.path, prepared, recorder)
    recorder.trainer = trainer
    evaluated = bool(prepared.evaluation)
    recorder.start()
    before = _evaluate(trainer, job, "measuring the loss before") if evaluated else None
    if job.stopping:
        raise Stopped("The run was stopped before its first step.", "Start it again to train.")
    job.start_clock()
    trainer.train()
    seconds = recorder.seconds
    after = _loss_after(trainer, recorder, job) if evaluated else None
    job.progress(trainer.state.global_step, trainer.state.max_steps, "saving the adapter", **recorder.latest)
    _save_adapter(run, base.path, tokenizer, trainer)
    summary = {
        "run": run.id,
        "steps": trainer.state.global_step,
        "tokens": recorder.tokens,
        "seconds": round(seconds, 3),
        "tokens_per_second": round(recorder.tokens / seconds, 1) if seconds else 0.0,
        "peak_memory_bytes": _peak_memory(),
        "loss": [recorder.losses[0], recorder.losses[-1]],
        "eval_loss": [before, after],
    }
    write_json(run.folder / "manifest.json", {**summary, **_provenance(run, base.path, prepared)})
    return summary


def _build(run: RunView, base: Path, prepared: Prepared, recorder: Recorder) -> AnswerLossTrainer:
    config = run.config
    model = loading.load_base(base, config.quantization)
    _check_modules(model, config)
    torch.manual_seed(config.seed)
    try:
        return AnswerLossTrainer(
            model=model,
            args=_arguments(run, config, prepared),
            train_dataset=_dataset(prepared.train),
            eval_dataset=_dataset(prepared.evaluation) if prepared.evaluation else None,
            processing_class=loading.load_tokenizer(base),
            peft_config=LoraConfig(
                r=config.r,
                lora_alpha=config.lora_alpha,
                lora_dropout=config.lora_dropout,
                target_modules=config.modules,
                task_type="CAUSAL_LM",
            ),
            callbacks=[recorder],
        )
    except ValueError as error:  # peft and trl refuse settings that only the model can tell, such as lm_head
        raise BadInput(f"The settings do not fit the model: {error}", "Change them and start again.") from error


def _arguments(run: RunView, config: TrainConfig, prepared: Prepared) -> SFTConfig:
    dtype = loading.compute_dtype()
    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(run.folder / "checkpoints"),
        max_steps=config.max_steps or -1,
        num_train_epochs=config.num_train_epochs,
        learning_rate=config.learning_rate,
        per_device_train_batch_size=config.per_device_train_batch_size,
        per_device_eval_batch_size=config.per_device_train_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        optim=config.optim,
        lr_scheduler_type=config.lr_scheduler_type,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        # Rows are cut or dropped before they come here; flattening a batch leaves no padding to compute.
        max_length=config.max_length if config.packing else None,
        packing=config.packing,
        padding_free=True,
        eval_packing=False,
        dataset_kwargs=None if config.packing else {"skip_prepare_dataset": True},
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,
        logging_steps=1,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # it would report a loss of 0 in place of nan
        eval_strategy="steps" if prepared.evaluation else "no",
        eval_steps=0.5,  # of all steps
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=on_gpu,
    )


def _dataset(rows: list[TokenRow]) -> Dataset:
    return Dataset.from_dict({"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]})


def _check_modules(model: Any, config: TrainConfig) -> None:
    """Raise BadInput when a named layer is not in the model, and say which ones are."""
    if config.modules == "all-linear":
        return
    there = {name.rpartition(".")[2] for name, module in model.named_modules() if "Linear" in type(module).__name__}
    missing = [name for name in config.modules if name not in there]
    if missing:
        raise BadInput(
            f"The model has no layers named {', '.join(missing)}.",
            f"target_modules can be all-linear or some of: {', '.join(sorted(there - {'lm_head'}))}.",
        )


def _evaluate(trainer: AnswerLossTrainer, job: JobContext, text: str) -> float:
    job.progress(trainer.state.global_step, trainer.state.max_steps or None, text)
    return float(trainer.evaluate()["eval_loss"])


def _loss_after(trainer: AnswerLossTrainer, recorder: Recorder, job: JobContext) -> float:
    """The loss at the last step: measured by the last step itself, or now, when the run was stopped early."""
    if recorder.evaluated_at == trainer.state.global_step:
        return float(recorder.latest["eval_loss"])
    return _evaluate(trainer, job, "measuring the loss after")


def _save_adapter(run: RunView, base: Path, tokenizer: ModelTokenizer, trainer: AnswerLossTrainer) -> None:
    """The adapter as safetensors, with beside it the renderer that made its data and the hash of its base."""
    try:
        with new_folder(run.folder / "adapter") as folder:
            trainer.adapted.save_pretrained(str(folder))
            loading.load_tokenizer(base).save_pretrained(folder)
            write_json(
                folder / "renderer.json",
                {
                    "template": run.template,
                    **({"template_source": source} if (source := get_template(run.template).source) else {}),
                    "escape_tags": run.config.escape_tags,
                    "tokenizer_sha256": tokenizer.fingerprint,
                    "base": run.model,
                    "base_sha256": models.fingerprint(base),
                    "quantization": run.config.quantization,
                },
            )
    except Exception as error:
        if "No space left" in str(error):  # safetensors reports the system's error as its own kind
            raise StorageError(f"The disk that holds {run.folder} is full.", "Free some space, start again.") from error
        raise


def _peak_memory() -> int:
    """Bytes: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _provenance(run: RunView, base: Path, prepared: Prepared) -> dict[str, Any]:
    libraries = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets")
    return {
        "data": run.data_ref,
        "model": run.model,
        "base_sha256": models.fingerprint(base),
        "template": run.template,
        "settings": run.config.to_dict(),
        "rows": prepared.to_dict(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU ({platform.machine()})",
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in libraries},
        "finished_at": time.time(),
    }


class Recorder(TrainerCallback):
    """Writes a line a step, tells the job how far it is, and ends the training when the job is to stop."""

    def __init__(self, path: Path, job: JobContext) -> None:
        self.path, self.job = path, job
        self.trainer: AnswerLossTrainer | None = None
        self.losses: list[float] = []
        self.latest: dict[str, Any] = {}
        self.evaluated_at = -1
        self.seconds = 0.0
        self._step_began = 0.0

    @property
    def tokens(self) -> int:
        """Real tokens so far, padding not counted."""
        return self.trainer.tokens_seen if self.trainer else 0

    def start(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("", encoding="utf-8")

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._step_began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds += time.perf_counter() - self._step_began
        if self.job.stopping:
            control.should_training_stop = True
            control.should_evaluate = False

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        logs = logs or {}
        if "loss" in logs:
            self._check(float(logs["loss"]), state.global_step)
            self.losses.append(float(logs["loss"]))
            self._write(state, {key: logs[key] for key in ("loss", "learning_rate", "grad_norm") if key in logs})
        elif "eval_loss" in logs:
            self._check(float(logs["eval_loss"]), state.global_step)
            self.evaluated_at = state.global_step
            self._write(state, {"eval_loss": float(logs["eval_loss"])})

    def _check(self, loss: float, step: int) -> None:
        if math.isfinite(loss):
            return
        if step == 0:
            raise ModelError(f"The loss is {loss} before any training.", "The base model's weights are not usable.")
        raise ModelError(
            f"The loss became {loss} at step {step}: the run diverged.", "Use a smaller learning_rate and start again."
        )

    def _write(self, state: Any, figures: dict[str, Any]) -> None:
        rate = self.tokens / self.seconds if self.seconds else 0.0
        figures = {key: value for key, value in figures.items() if math.isfinite(value)}  # JSON has no inf
        line = {"step": state.global_step, **figures, "tokens": self.tokens, "seconds": round(self.seconds, 2)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.latest = {**self.latest, **figures}
        if rate:
            self.latest["tokens_per_second"] = round(rate, 1)
        self.job.progress(state.global_step, state.max_steps, "training", **self.latest)
