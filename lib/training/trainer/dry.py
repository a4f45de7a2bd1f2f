"""The job `dry run`: the longest batch and a usual one of a run, each taken as real steps, to measure what they need.

Everything is built as the run itself builds it; nothing of it is kept but the figures.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import TrainerCallback

from lib import models
from lib.data import datasets
from lib.devices import default_device
from lib.errors import Stopped
from lib.formats import load_tokenizer
from lib.jobs import queue
from lib.jobs.context import JobContext
from lib.training.config import TrainConfig
from lib.training.plan.dry_runs import DryRun, keep
from lib.training.rows import Prepared, TokenRow, prepare
from lib.training.runs import RunView
from lib.training.trainer import batches, faults
from lib.training.trainer.building import build
from lib.training.trainer.faults import Phase
from lib.training.trainer.loss import AnswerLossTrainer
from lib.training.trainer.recorder import Recorder

STEPS = 2  # of each batch; the first warms up, the last is timed


def run_job(payload: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Measure the settings in the payload; returns what `DryRun.to_dict` gives.

    Raises:
        TrainingFault: memory ran out; says what would help.
        BadInput: no row is left to train on.
        Stopped: on request.
    """
    with tempfile.TemporaryDirectory(prefix="tandem-dry-") as folder:
        run, phase = _trial(payload, Path(folder), job), Phase()
        with faults.named(run, phase):
            found = _measure(run, job, phase)
    keep(payload["key"], found)
    return found.to_dict()


@dataclass(frozen=True)
class _Trial(RunView):
    """A run that is in no table and leaves no folder."""

    place: Path = field(default=Path(), kw_only=True)

    @property
    def folder(self) -> Path:
        return self.place


def _trial(payload: dict[str, Any], folder: Path, job: JobContext) -> _Trial:
    info = datasets.get(payload["dataset"])
    # Accumulated batches are computed one after the other: one of them needs what all do.
    config = replace(
        TrainConfig.from_settings(payload["settings"]), max_steps=STEPS, gradient_accumulation_steps=1, warmup_steps=0
    )
    return _Trial(
        id=f"dry-{job.id}",
        dataset=info.name,
        version=info.version,
        model=payload["model"],
        template=payload["template"],
        config=config,
        created_at=time.time(),
        created_by="",
        job=queue.get(job.id),
        summary={},
        place=folder,
    )


class _Clock(Recorder):
    """Seconds of the last step, and of what came before the first; tells nobody of losses."""

    def __init__(self, job: JobContext) -> None:
        super().__init__(Path(), job)
        self.ready, self.last, self._began = 0.0, 0.0, 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ready = self.ready or time.time() - psutil.Process().create_time()
        self._began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.last = time.perf_counter() - self._began
        control.should_training_stop = control.should_training_stop or self.job.stopping

    def on_log(self, *_: Any, **__: Any) -> None:
        return


# What the base class does at other moments concerns a run that is kept.
for _name in {name for name in vars(Recorder) if name.startswith("on_")} - set(vars(_Clock)):
    setattr(_Clock, _name, getattr(TrainerCallback, _name))


def _measure(run: RunView, job: JobContext, phase: Phase) -> DryRun:
    base = models.find(run.model).path
    job.progress(0, 2, "reading the data")
    prepared = prepare(datasets.get(run.data_ref), run.renderer, load_tokenizer(base), run.config)
    longest, usual = longest_rows(prepared.train, run.config), usual_rows(prepared.train, run.config)
    job.progress(0, 2, "loading the model")
    clock = _Clock(job)
    # All rows are handed over, as what fits is decided by the longest of them.
    trainer = build(run, base, Prepared(train=prepared.train), clock)
    phase.loading = False
    job.progress(0, 2, "the longest batch")
    longest_tokens = _steps(trainer, longest, run.config, job)
    longest_seconds, ready = clock.last, clock.ready
    job.progress(1, 2, "a usual batch")
    usual_tokens = _steps(trainer, usual, run.config, job)
    peak, reserved = peaks()
    return DryRun(
        device=default_device().name,
        peak_bytes=peak,
        reserved_bytes=reserved,
        checkpointing=bool(trainer.args.gradient_checkpointing),
        longest_tokens=longest_tokens,
        longest_seconds=round(longest_seconds, 4),
        usual_tokens=usual_tokens,
        usual_seconds=round(clock.last, 4),
        ready_seconds=round(ready, 2),
        at=time.time(),
    )


def _steps(trainer: AnswerLossTrainer, rows: Sequence[TokenRow], config: TrainConfig, job: JobContext) -> int:
    """Train on these rows, all of them in each step; returns the tokens of a step."""
    data = batches.dataset(rows, config.max_length if config.packing else 0)
    data = data.select(range(min(len(data), config.per_device_train_batch_size)))
    trainer.train_dataset = data
    lengths = [len(ids) for ids in data["input_ids"]]
    trainer.order = batches.RowOrder(lengths, config.seed, len(lengths), grouped=False)
    trainer.train()
    if job.stopping:
        raise Stopped("The dry run was stopped.", "Nothing of it was kept; start it again.")
    return sum(lengths)


def longest_rows(rows: Sequence[TokenRow], config: TrainConfig) -> list[TokenRow]:
    """What could come together in the largest batch: the longest rows; packed, so many that they fill its sequences."""
    ordered = sorted(rows, key=lambda row: -len(row.ids))
    return _filled(ordered, config) if config.packing else ordered[: config.per_device_train_batch_size]


def usual_rows(rows: Sequence[TokenRow], config: TrainConfig) -> list[TokenRow]:
    """Rows about a batch of mean length."""
    size = min(config.per_device_train_batch_size, len(rows))
    mean = sum(len(row.ids) for row in rows) / len(rows)
    near = sorted(rows, key=lambda row: abs(len(row.ids) - mean))
    return _filled(near, config) if config.packing else near[:size]


def _filled(rows: Sequence[TokenRow], config: TrainConfig) -> list[TokenRow]:
    wanted, taken = config.per_device_train_batch_size * config.max_length, []
    for row in rows:
        taken.append(row)
        wanted -= len(row.ids)
        if wanted <= 0:
            break
    return taken


def peaks() -> tuple[int, int]:
    """Bytes since the process began: of the GPU allotted and held by torch, else of this process, twice."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated()), int(torch.cuda.max_memory_reserved())
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    peak = int(found[1]) * 1024 if found else psutil.Process().memory_info().rss
    return peak, peak
