"""The job `train`: rows, model, steps, adapter; the manifest last. A run that was interrupted goes on where it was."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from lib import models
from lib.data import datasets
from lib.errors import Stopped, StorageError, WrongState
from lib.formats import ModelTokenizer, load_tokenizer
from lib.jobs.context import JobContext
from lib.models.download import fetch
from lib.settings import ROOT
from lib.storage import disk_errors, write_json
from lib.training import checkpoints, runs
from lib.training.checkpoints import Checkpoint, Place
from lib.training.rows import Prepared, prepare
from lib.training.run_view import MADE_WITH
from lib.training.runs import RunView
from lib.training.trainer import faults
from lib.training.trainer.building import build
from lib.training.trainer.checkpoints import Keeper, check_ground, digest, put_back
from lib.training.trainer.faults import Phase
from lib.training.trainer.loss import AnswerLossTrainer
from lib.training.trainer.recorder import Recorder
from lib.training.trainer.samples import Samples
from lib.training.trainer.saving import peak_memory, provenance, save_adapter
from lib.training.trainer.stopping import EarlyStopping
from lib.versions import git_state

T = TypeVar("T")
LOCK_SECONDS = 30.0  # that a process of the same run which was killed may take to be gone


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Train the run named in the payload; returns its summary, the shape that `train --json` ends with.

    It begins at the run's newest whole checkpoint where there is one. `extended` in the payload says that the run was
    given more steps after it had ended.
    """
    run, phase = runs.get(payload["run"]), Phase()
    with disk_errors(run.folder), _alone(run), faults.named(run, phase):
        parts = _set_up(run, job, phase)
        return _finish(parts, _train(parts, payload.get("extended", False)))


@dataclass
class _Parts:
    """What a run is made of once it is set up; `found` is the checkpoint that it goes on from."""

    run: RunView
    job: JobContext
    base: Path
    tokenizer: ModelTokenizer
    prepared: Prepared
    trainer: AnswerLossTrainer
    recorder: Recorder
    stopping: EarlyStopping
    keeper: Keeper
    found: Checkpoint | None
    made: Future[dict[str, Any]]


def _set_up(run: RunView, job: JobContext, phase: Phase) -> _Parts:
    base = fetch(run.model, job).check().path
    weights = _in_background(models.fingerprint, base)
    git = _in_background(git_state, ROOT)  # now: files may be changed while it trains
    tokenizer = load_tokenizer(base)
    job.progress(0, None, "reading the data")
    prepared = prepare(datasets.get(run.data_ref), run.renderer, tokenizer, run.config)
    print(f"data: {json.dumps(prepared.to_dict(), ensure_ascii=False)}", flush=True)
    rows = digest(prepared)
    checkpoints.remove_cut_off(run.folder)
    found = checkpoints.newest(run.folder)
    if found:
        check_ground(run, found.place, weights.result(), rows)
    job.progress(0, None, "loading the model")
    recorder = Recorder(run.folder / "metrics.jsonl", job, run.config, phase)
    trainer = build(run, base, prepared, recorder)
    recorder.trainer = trainer
    phase.loading = False
    stopping = EarlyStopping(checkpoints.folder_of(run.folder), run.config.early_stopping_patience)

    def place(trained: AnswerLossTrainer, ended: bool) -> Place:
        recorder.sync()
        size, state = recorder.path.stat().st_size, trained.state
        seconds, base_hash = recorder.seconds, weights.result()
        return Place(state.global_step, state.max_steps, recorder.tokens, seconds, size, ended, base_hash, rows)

    keeper = Keeper(run.folder, run.config.save_steps, job, place)
    # In this order: what is measured, what follows from it, and then what is kept of it.
    for callback in (Samples.of(run, prepared, tokenizer, job), stopping, keeper):
        trainer.add_callback(callback)
    trainer.keep = keeper.write
    made = _write_down(run, provenance(run, tokenizer, prepared), weights, git)
    return _Parts(run, job, base, tokenizer, prepared, trainer, recorder, stopping, keeper, found, made)


def _write_down(
    run: RunView, known: dict[str, Any], weights: Future[str], git: Future[dict[str, Any]]
) -> Future[dict[str, Any]]:
    """What the run is made with: for its manifest, and as a file now, for a run that does not come to its end."""

    def write(folder: Path) -> dict[str, Any]:
        state = git.result()
        made = {**known, "base_sha256": weights.result(), **({"git": state} if state else {})}
        with contextlib.suppress(StorageError):  # the manifest will say it too, or why there is none
            write_json(folder / MADE_WITH, made)
        return made

    return _in_background(write, run.folder)


def _train(parts: _Parts, extended: bool) -> dict[str, Any]:
    """Take the steps that are left; returns what the manifest says of the time it took."""
    trainer, recorder, job, found = parts.trainer, parts.recorder, parts.job, parts.found
    if found is None:
        recorder.start()
        if parts.prepared.evaluation:
            began = time.perf_counter()
            recorder.before = _evaluate(trainer, job, "measuring the loss before")
            recorder.measuring_seconds = time.perf_counter() - began
        if job.stopping:
            again = f"python -m studio resume {parts.run.id}"
            raise Stopped("The run was stopped before its first step.", f"Resume it to train: {again}")
        job.progress(0, None, "training")
        job.start_clock()
        trainer.train()
    else:
        print(f"going on from step {found.step}", flush=True)
        recorder.go_on(found.place)
        job.progress(found.step, None, "training")
        job.start_clock()
        steps = parts.run.config.max_steps or found.place.max_steps
        if found.step >= steps or (found.place.ended and not extended):
            put_back(trainer, found)
        else:
            trainer.train(resume_from_checkpoint=str(found.folder))
    return {
        "ready_seconds": recorder.ready_seconds,
        "measuring_seconds": round(recorder.measuring_seconds, 3),
        "gradient_checkpointing": bool(trainer.args.gradient_checkpointing),
        "other_share": recorder.other_share,
        "checkpoints": parts.keeper.count,
        "checkpoint_seconds": round(parts.keeper.seconds, 3),
        "resumed_from": found.step if found else None,
    }


def _finish(parts: _Parts, timing: dict[str, Any]) -> dict[str, Any]:
    """Measure, save the adapter, write the manifest; then what only served to go on is removed."""
    run, job, trainer, recorder = parts.run, parts.job, parts.trainer, parts.recorder
    after = _loss_after(trainer, recorder, job) if parts.prepared.evaluation else None
    after = parts.stopping.restore(trainer.adapted, after)
    job.progress(trainer.state.global_step, trainer.state.max_steps, "saving the adapter", **recorder.latest)
    save_adapter(run, parts.base, parts.tokenizer, trainer)
    summary = {
        "run": run.id,
        "steps": trainer.state.global_step,
        "tokens": recorder.tokens,
        "seconds": round(recorder.seconds, 3),
        "tokens_per_second": round(recorder.tokens / recorder.seconds, 1) if recorder.seconds else 0.0,
        "peak_memory_bytes": peak_memory(),
        "loss": [recorder.losses[0], recorder.losses[-1]],
        "eval_loss": [recorder.before, after],
        **parts.stopping.summary,
    }
    made = parts.made.result()
    write_json(run.folder / "manifest.json", {**summary, **timing, **made, "finished_at": time.time()})
    parts.stopping.clean()
    checkpoints.prune(run.folder, keep=1)
    return summary


def _evaluate(trainer: AnswerLossTrainer, job: JobContext, text: str) -> float:
    job.progress(trainer.state.global_step, trainer.state.max_steps or None, text)
    return float(trainer.evaluate()["eval_loss"])


def _loss_after(trainer: AnswerLossTrainer, recorder: Recorder, job: JobContext) -> float:
    """The loss at the last step: measured by the last step itself, or now, when the run was stopped early."""
    if recorder.evaluated_at == trainer.state.global_step:
        return float(recorder.latest["eval_loss"])
    return _evaluate(trainer, job, "measuring the loss after")


def _in_background(function: Callable[[Path], T], path: Path) -> Future[T]:
    """What may take a while and is not needed before the first checkpoint."""
    executor = ThreadPoolExecutor(1, thread_name_prefix=function.__name__)
    future = executor.submit(function, path)
    executor.shutdown(wait=False)
    return future


@contextlib.contextmanager
def _alone(run: RunView) -> Iterator[None]:
    """Hold the run's folder: the system lets go of it when this process ends, however it ends.

    Raises:
        WrongState: another process holds it.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(run.folder / ".lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise WrongState(
            f"Another process still trains the run {run.id}.", "Wait until it ends, then resume."
        ) from error
