"""Dry runs: two steps of a run, taken to measure memory and pace; what they found replaces the estimate.

job = submit_dry_run(info, "starter", "llama2", config, "ada")     newest_dry_run(info, "starter", "llama2", config)

dry-runs/<key>.json
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lib import models
from lib.data.datasets import DatasetInfo
from lib.devices import Device
from lib.errors import NotFound, StorageError
from lib.formats import get_template
from lib.jobs import queue
from lib.jobs.queue import JobView
from lib.models.weights import weight_files
from lib.settings import settings
from lib.storage import read_json, write_json
from lib.training.config import TrainConfig
from lib.training.plan.settling import settled
from lib.training.plan.turns import device_at_its_turn

KIND = "dry run"
# What neither memory nor the time of a step depends on.
_REST = {
    "max_steps",
    "num_train_epochs",
    "learning_rate",
    "gradient_accumulation_steps",
    "lora_alpha",
    "use_rslora",
    "init_lora_weights",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "eval_rows",
    "eval_split",
    "eval_steps",
    "early_stopping_patience",
    "save_steps",
    "sample_prompts",
    "sample_tokens",
    "seed",
}


@dataclass(frozen=True)
class DryRun:
    """What was measured. Peaks in bytes: on a GPU what torch allotted (`peak_bytes`) and held (`reserved_bytes`), on a
    CPU all of the process.

    `longest_seconds`, `usual_seconds`: of one micro-batch of so many tokens. `ready_seconds`: from the process's start
    to its first step. `at`: seconds since 1970.
    """

    device: str
    peak_bytes: int
    reserved_bytes: int
    checkpointing: bool
    longest_tokens: int
    longest_seconds: float
    usual_tokens: int
    usual_seconds: float
    ready_seconds: float
    at: float

    @property
    def tokens_per_second(self) -> float:
        return self.usual_tokens / self.usual_seconds if self.usual_seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "tokens_per_second": round(self.tokens_per_second, 1)}


def key_of(info: DatasetInfo, model: str, template: str, config: TrainConfig, device: Device) -> str:
    """Of model files, data, template, device, and the settings that memory and pace depend on.

    Raises:
        NotFound, ModelError: no such template or model.
    """
    folder, renderer = models.find(model).path, get_template(template)
    config = settled(info, model, template, config, device)
    files = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in weight_files(folder)]
    wanted = {name: value for name, value in config.to_dict().items() if name not in _REST}
    parts = [files, info.hash, renderer.name, renderer.source, device.kind, device.name, wanted]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def submit_dry_run(info: DatasetInfo, model: str, template: str, config: TrainConfig, user: str) -> int:
    """The job that measures these settings; the one that is at it already where there is one.

    Raises:
        NotFound, ModelError: no such template or model.
    """
    device = device_at_its_turn()
    config = settled(info, model, template, config, device)
    key = key_of(info, model, template, config, device)
    last = queue.newest(KIND, key=key)
    if last and last.live:
        return last.id
    payload = {
        "dataset": info.ref,
        "model": model,
        "template": get_template(template).name,
        "settings": config.to_dict(),
        "key": key,
    }
    return queue.submit(KIND, payload, user)


def dry_run_job(
    info: DatasetInfo, model: str, template: str, config: TrainConfig, device: Device | None = None
) -> JobView | None:
    """The last job that measured these settings, live or ended."""
    return queue.newest(KIND, key=key_of(info, model, template, config, device or device_at_its_turn()))


def newest_dry_run(
    info: DatasetInfo, model: str, template: str, config: TrainConfig, device: Device | None = None
) -> DryRun | None:
    """What was measured with these settings on this data and device; None when nothing was."""
    try:
        stored = read_json(_file(key_of(info, model, template, config, device or device_at_its_turn())))
        return DryRun(**{field.name: stored[field.name] for field in fields(DryRun)})
    except (StorageError, NotFound, KeyError, TypeError):
        return None


def keep(key: str, found: DryRun) -> None:
    """Store what a dry run has measured.

    Raises:
        StorageError: disk full or folder not writable.
    """
    write_json(_file(key), {**found.to_dict(), "at": found.at or time.time()})


def _file(key: str) -> Path:
    return settings.home / "dry-runs" / f"{key}.json"
