"""Homes full of things, written in milliseconds: what jobs would have left behind, without running one."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lib.data import datasets, versions
from lib.data.checks import Settings, results
from lib.data.edits import edit
from lib.data.edits.bulk import change_all
from lib.data.edits.operations import Operation
from lib.data.filters import Query
from lib.data.imports.importer import import_source
from lib.database import Job, session
from lib.evaluation import comparisons
from lib.evaluation.comparisons import CompareConfig, ComparisonView
from lib.settings import settings
from lib.storage import write_json
from lib.training import runs
from lib.training.config import TrainConfig
from lib.training.presets import PRESETS
from lib.training.runs import RunView
from studio.commands.setup import SAMPLES
from tests.app import evidence
from tests.formats.tokenizers_for_tests import starter_like
from tests.training.plan.folders import STARTER, llama_tensors, write_header

MEMORY = {
    "error": "Unexpected",
    "fault": "memory",
    "message": "Memory ran out.",
    "hint": "Choose a smaller batch or shorter rows.",
}


def samples() -> None:
    """The two datasets that `make setup` brings."""
    for name in ("support-desk", "medical-terms"):
        import_source(str(SAMPLES / name / "rows.jsonl"), name, user="tandem")


def model(name: str = "starter") -> Path:
    """A model's folder of the starter's shape whose tokenizer works and whose weights are a hole: no job can use it."""
    folder = settings.home / "models" / name
    starter_like(folder)
    (folder / "config.json").write_text(json.dumps(STARTER))
    write_header(folder / "model.safetensors", llama_tensors(STARTER))
    return folder


def run(status: str = "finished", data: str = "medical-terms", steps: int = 40, **settings: Any) -> RunView:
    """A run in some state, with the curve that it would have drawn by then."""
    config = TrainConfig.from_settings({**PRESETS["first-look"].settings, "max_steps": steps, **settings})
    view = runs.create(data, "starter", "llama2", config, "tester")
    if status == "queued":
        return view
    kept = status in ("finished", "stopped")
    taken = steps if status == "finished" else steps // 2
    _metrics(view.folder, taken, steps)
    if kept:
        (view.folder / "adapter").mkdir()
        (view.folder / "adapter" / "adapter_model.safetensors").write_bytes(b"")
        write_json(view.folder / "manifest.json", _summary(view.id, taken))
    progress = {"done": taken, "total": steps, "text": "training", "loss": 1.4, "tokens_per_second": 131.5}
    error = MEMORY if status == "failed" else None
    _set_job(view.job.id, status=status, progress={**progress, "seconds_left": 42.0}, error=error)
    (view.folder / "log.txt").write_text("loading the model\ntraining\n")
    return runs.get(view.id)


def comparison(view: RunView, rows: int = 12, more: Sequence[RunView] = (), **settings: Any) -> ComparisonView:
    """A finished comparison of runs with the base of the first, with all that a job leaves behind."""
    names = [view.id, *(one.id for one in more)]
    made = comparisons.create(names, view.data_ref, "test", CompareConfig(limit=rows, **settings), "tester")
    evidence.write(made, rows)
    _set_job(made.job.id, status="finished", result={"comparison": made.id, "rows": rows})
    return comparisons.get(made.id)


def curated() -> None:
    """Two versions of support-desk, both checked, and an edit of the second that is not saved yet."""
    info = datasets.get("support-desk")
    results.check(info, Settings())
    change_all(info, Query(), Operation("mend", "mojibake"), "ada")
    edit(info, 1, 0, "ada", status="accepted", tags=["reviewed"], note="A good one.")
    newer = versions.save(info, "broken letters mended", "ada")
    results.check(newer, Settings())
    edit(newer, 2, 0, "bob", values={"output": "Tap 'Forgot password' and follow the link."})


def full() -> RunView:
    """Something of everything: samples, a model, runs in each state, a comparison. Returns the finished run."""
    samples()
    curated()
    model()
    for status in ("failed", "interrupted", "stopped"):
        run(status)
    done = run("finished")
    comparison(done)
    return done


def _set_job(job_id: int, **values: Any) -> None:
    now = time.time()
    with session() as opened:
        job = opened.get_one(Job, job_id)
        job.started_at = now - 95
        job.finished_at = None if values["status"] == "running" else now
        for key, value in values.items():
            setattr(job, key, value)


def _metrics(folder: Path, taken: int, steps: int) -> None:
    lines: list[dict[str, Any]] = [{"step": 0, "eval_loss": 3.2}]
    lines += [{"step": step, "loss": 3.1 / (1 + step / 12), "learning_rate": 1e-3} for step in range(1, taken + 1)]
    lines += [{"step": steps // 2, "eval_loss": 1.6}] if taken >= steps // 2 else []
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _summary(run_id: str, steps: int) -> dict[str, Any]:
    return {
        "run": run_id,
        "steps": steps,
        "tokens": steps * 281,
        "seconds": 88.4,
        "tokens_per_second": 127.2,
        "peak_memory_bytes": 2_100_000_000,
        "loss": [3.1, 0.7],
        "eval_loss": [3.2, 1.4],
        "device": "CPU (x86_64)",
    }
