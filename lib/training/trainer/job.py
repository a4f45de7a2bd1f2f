"""The job `train`: rows, model, steps, adapter; the manifest last."""

from __future__ import annotations

import json
from typing import Any

from lib import models
from lib.data import datasets
from lib.errors import Stopped
from lib.formats import load_tokenizer
from lib.jobs.context import JobContext
from lib.storage import disk_errors, write_json
from lib.training import runs
from lib.training.rows import prepare
from lib.training.runs import RunView
from lib.training.trainer.building import build
from lib.training.trainer.loss import AnswerLossTrainer
from lib.training.trainer.recorder import Recorder
from lib.training.trainer.saving import peak_memory, provenance, save_adapter


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
    prepared = prepare(datasets.get(run.data_ref), run.renderer, tokenizer, run.config)
    print(f"data: {json.dumps(prepared.to_dict(), ensure_ascii=False)}", flush=True)
    job.progress(0, None, "loading the model")
    recorder = Recorder(run.folder / "metrics.jsonl", job)
    trainer = build(run, base.path, prepared, recorder)
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
    save_adapter(run, base.path, tokenizer, trainer)
    summary = {
        "run": run.id,
        "steps": trainer.state.global_step,
        "tokens": recorder.tokens,
        "seconds": round(seconds, 3),
        "tokens_per_second": round(recorder.tokens / seconds, 1) if seconds else 0.0,
        "peak_memory_bytes": peak_memory(),
        "loss": [recorder.losses[0], recorder.losses[-1]],
        "eval_loss": [before, after],
    }
    write_json(run.folder / "manifest.json", {**summary, **provenance(run, base.path, prepared)})
    return summary


def _evaluate(trainer: AnswerLossTrainer, job: JobContext, text: str) -> float:
    job.progress(trainer.state.global_step, trainer.state.max_steps or None, text)
    return float(trainer.evaluate()["eval_loss"])


def _loss_after(trainer: AnswerLossTrainer, recorder: Recorder, job: JobContext) -> float:
    """The loss at the last step: measured by the last step itself, or now, when the run was stopped early."""
    if recorder.evaluated_at == trainer.state.global_step:
        return float(recorder.latest["eval_loss"])
    return _evaluate(trainer, job, "measuring the loss after")
