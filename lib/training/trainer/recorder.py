"""What a run writes down as it goes, and when it ends early."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections import deque
from pathlib import Path
from typing import Any

import psutil
from transformers import TrainerCallback

from lib.errors import ModelError
from lib.jobs.context import JobContext
from lib.storage import sync_path
from lib.training import checkpoints
from lib.training.checkpoints import Place
from lib.training.config import TrainConfig
from lib.training.run_view import read_metrics
from lib.training.suggestions import for_divergence
from lib.training.trainer.faults import Phase, diverged
from lib.training.trainer.loss import AnswerLossTrainer
from lib.training.trainer.saving import memory_limit, peak_memory

RECENT = 50  # steps that the usual time of one is taken from
WINDOW = 10  # steps whose mean loss is compared with the best such mean
WORSE = 1.5  # … and is called rising at so many times of it


class Recorder(TrainerCallback):
    """Writes a line a step, tells the job how far it is, and ends the training when the job is to stop.

    `seconds` are those of steps only, up to the loss being known (a GPU works on after the step's code has ended).
    """

    def __init__(
        self, path: Path, job: JobContext, config: TrainConfig | None = None, phase: Phase | None = None
    ) -> None:
        self.path, self.job = path, job
        self.config, self.phase = config or TrainConfig(), phase or Phase()
        self.trainer: AnswerLossTrainer | None = None
        self.losses: list[float] = []
        self.latest: dict[str, Any] = {}
        self.before: float | None = None
        self.evaluated_at = -1
        self.seconds = 0.0
        self.ready_seconds: float | None = None
        self._tokens_before = 0
        self._seconds_before = 0.0
        self._step_began: float | None = None
        self._first_step = 0.0
        self._steps: deque[float] = deque(maxlen=RECENT)
        self._best = math.inf
        self.measuring_seconds = 0.0  # of one measurement of the held-out loss, with what comes with it

    @property
    def tokens(self) -> int:
        """Real tokens so far, padding not counted; those before the run was taken up again included."""
        return self._tokens_before + (self.trainer.tokens_seen if self.trainer else 0)

    @property
    def other_share(self) -> float | None:
        """Share of the time since the first step that was spent on anything but steps; None before the first."""
        if self.ready_seconds is None:
            return None
        whole = time.perf_counter() - self._first_step
        return max(0.0, 1 - (self.seconds - self._seconds_before) / whole) if whole else 0.0

    def start(self) -> None:
        """A new run: nothing is written yet."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("", encoding="utf-8")

    def go_on(self, place: Place) -> None:
        """A run that is taken up again: what was written after its checkpoint is dropped."""
        checkpoints.rewind(self.path, place)
        lines = read_metrics(self.path)
        self.losses = [line["loss"] for line in lines if "loss" in line]
        measured = [line for line in lines if "eval_loss" in line]
        if measured and measured[0]["step"] == 0:
            self.before = measured[0]["eval_loss"]
        if measured:
            self.evaluated_at, self.latest["eval_loss"] = measured[-1]["step"], measured[-1]["eval_loss"]
        self._tokens_before, self.seconds = place.tokens, place.seconds
        self._seconds_before = place.seconds

    def sync(self) -> None:
        """Have what is written so far on the disk."""
        sync_path(self.path)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter()
        if self.ready_seconds is None:
            self.ready_seconds, self._first_step = time.time() - psutil.Process().create_time(), now
        self._step_began = now

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.phase.step = state.global_step
        if self.job.stopping:
            control.should_training_stop = True
            control.should_evaluate = False

    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if "beat" in self.latest:
            self.latest["beat"] = {**self.latest["beat"], "at": time.time()}
            self.job.progress(state.global_step, state.max_steps, "measuring the held-out loss", **self.latest)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        logs = logs or {}
        if "loss" in logs:
            self._on_loss(state, float(logs["loss"]), logs)
        elif "eval_loss" in logs:
            self._check(float(logs["eval_loss"]), state.global_step)
            self.evaluated_at = state.global_step
            self._write(state, {"eval_loss": float(logs["eval_loss"])})

    def _on_loss(self, state: Any, loss: float, logs: dict[str, Any]) -> None:
        took = time.perf_counter() - self._step_began if self._step_began is not None else 0.0
        self._step_began = None
        self.seconds += took
        self._steps.append(took)
        self._check(loss, state.global_step)
        self.losses.append(loss)
        self._watch()
        self.latest["beat"] = {"at": time.time(), "usual": statistics.median(self._steps)}
        self._write(state, {key: logs[key] for key in ("loss", "learning_rate", "grad_norm") if key in logs})

    def _check(self, loss: float, step: int) -> None:
        if math.isfinite(loss):
            return
        if step == 0:
            raise ModelError(f"The loss is {loss} before any training.", "The base model's weights are not usable.")
        raise diverged(self.config, loss, step)

    def _watch(self) -> None:
        """Name a loss that rises: the figure alone is easily overlooked among many."""
        self.latest.pop("warning", None)
        self.latest.pop("suggest", None)
        if len(self.losses) < WINDOW:
            return
        mean = statistics.fmean(self.losses[-WINDOW:])
        self._best = min(self._best, mean)
        if mean > WORSE * self._best and mean > self._best + 0.5:
            self.latest["warning"] = f"The loss is rising: {mean:.2f} after {self._best:.2f}. The run may be diverging."
            self.latest["suggest"] = for_divergence(self.config)

    def _write(self, state: Any, figures: dict[str, Any]) -> None:
        rate = self.tokens / self.seconds if self.seconds else 0.0
        lost = [key for key, value in figures.items() if not math.isfinite(value)]  # JSON has no nan and no inf
        figures = {key: value for key, value in figures.items() if key not in lost}
        figures |= {"tokens_per_second": round(rate, 1), "memory": peak_memory()}
        line = {"step": state.global_step, **figures, "tokens": self.tokens, "seconds": round(self.seconds, 2)}
        if lost:
            line["not_finite"] = lost
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.latest = {**self.latest, **figures, "tokens": self.tokens}
        if limit := memory_limit():
            self.latest["memory_limit"] = limit
        if self.ready_seconds is not None:
            self.latest["ready_seconds"] = round(self.ready_seconds, 2)
        self.latest["seconds_left"] = self._left(state)
        self.job.progress(state.global_step, state.max_steps, "training", **self.latest)

    def _left(self, state: Any) -> float | None:
        """Seconds of the steps that are left, and of the measurements between and after them; None before the first."""
        if not self._steps:
            return None
        every = int(getattr(state, "eval_steps", 0) or 0) or state.max_steps
        measurements = math.ceil(state.max_steps / every) - state.global_step // every
        if self.evaluated_at == state.global_step == state.max_steps:
            measurements = 0
        elif state.global_step and state.global_step % every == 0 and self.evaluated_at != state.global_step:
            measurements += 1  # the one that follows this very step
        steps = (state.max_steps - state.global_step) * statistics.fmean(self._steps)
        return steps + measurements * self.measuring_seconds
