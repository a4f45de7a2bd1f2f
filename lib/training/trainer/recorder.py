"""What a run writes down as it goes, and when it ends early."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from lib.errors import ModelError
from lib.jobs.context import JobContext
from lib.training.trainer.loss import AnswerLossTrainer


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
