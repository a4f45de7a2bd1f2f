"""Runs: create one, list them, read what they wrote. What a run is made of lies in `runs/<id>/` and in its job."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from lib import models
from lib.data import datasets
from lib.database import Run, note, session
from lib.errors import NotFound
from lib.formats import Template, get_template, stored_template
from lib.jobs import queue
from lib.jobs.queue import JobView
from lib.storage import run_dir, write_json
from lib.training.config import TrainConfig
from lib.training.names import new_name


@dataclass(frozen=True)
class RunView:
    """One run with the state of its job. `summary` is its manifest (empty until it ends well or is stopped)."""

    id: str
    dataset: str
    version: int
    model: str
    template: str
    config: TrainConfig
    created_at: float
    created_by: str
    job: JobView
    summary: dict[str, Any]

    @property
    def status(self) -> str:
        return self.job.status

    @property
    def folder(self) -> Path:
        return run_dir(self.id)

    @property
    def has_adapter(self) -> bool:
        return (self.folder / "adapter" / "adapter_model.safetensors").exists()

    @property
    def renderer(self) -> Template:
        """The template as it was when the run was made, whatever became of a saved one since."""
        kept = self.folder / "config.json"
        stored = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        return stored_template(self.template, stored.get("template_source", ""))

    @property
    def data_ref(self) -> str:
        return f"{self.dataset}@{self.version}"

    def to_dict(self) -> dict[str, Any]:
        """The shape of one entry of `runs --json` and of `run ID --json`."""
        return {
            "run": self.id,
            "status": self.status,
            "data": self.data_ref,
            "model": self.model,
            "template": self.template,
            "created_at": self.created_at,
            "created_by": self.created_by,
            "config": self.config.to_dict(),
            "progress": self.job.progress,
            "error": self.job.error,
            **{key: self.summary[key] for key in RESULT_KEYS if key in self.summary},
        }


RESULT_KEYS = ("steps", "tokens", "seconds", "tokens_per_second", "peak_memory_bytes", "loss", "eval_loss")


def create(data: str, model: str, template: str, config: TrainConfig, user: str) -> RunView:
    """Check what can be checked without loading a model, then queue the run.

    It keeps the version of a saved template that there is now, and its source.

    Raises:
        NotFound: no such dataset, model or template.
        ModelError: the model's folder cannot be used.
    """
    info = datasets.get(data)
    if not models.is_hub_id(model):  # one from the Hub is fetched by the run itself, which may take long
        models.find(model)
    renderer = get_template(template)
    template = renderer.name  # of a saved one, the version of today
    run_id = _new_id()
    with session() as opened:
        job = queue.new_job("train", {"run": run_id}, user)
        opened.add(job)
        opened.flush()
        opened.add(
            Run(
                id=run_id,
                job_id=job.id,
                dataset=info.name,
                version=info.version,
                model=model,
                template=template,
                config=config.to_dict(),
                created_by=user,
            )
        )
    view = get(run_id)
    write_json(
        view.folder / "config.json",
        {
            "run": run_id,
            "data": view.data_ref,
            "model": model,
            "template": template,
            **({"template_source": renderer.source} if renderer.source else {}),
            "settings": config.to_dict(),
            "command": command_line(view.data_ref, model, template, config),
        },
    )
    note(user, f"started run {run_id} on {view.data_ref}", f"runs?run={run_id}")
    return view


def get(run_id: str) -> RunView:
    """Raises:
    NotFound: no run of that id.
    """
    with session() as opened:
        run = opened.get(Run, run_id)
        if run is None:
            newest = ", ".join(opened.scalars(select(Run.id).order_by(Run.created_at.desc()).limit(5)))
            raise NotFound(f"There is no run {run_id!r}.", f"Newest runs: {newest}." if newest else "Train one first.")
        return _view(run)


def list_runs(limit: int | None = None) -> list[RunView]:
    """All runs, newest first."""
    with session() as opened:
        return [_view(run) for run in opened.scalars(select(Run).order_by(Run.created_at.desc()).limit(limit))]


def metrics(run_id: str) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl` so far; a last line that is still being written is left out."""
    path = run_dir(run_id) / "metrics.jsonl"
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines() if line.strip()]


def stop(run_id: str, user: str) -> RunView:
    """Stop a run and keep what it has learned so far.

    Raises:
        WrongState: it has ended already.
    """
    view = get(run_id)
    queue.stop(view.job.id)
    note(user, f"stopped run {run_id}", f"runs?run={run_id}")
    return get(run_id)


def log_tail(run_id: str, lines: int = 200) -> str:
    """The last lines of what the run's process printed."""
    path = get(run_id).folder / "log.txt"
    if not path.exists():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def command_line(data: str, model: str, template: str, config: TrainConfig) -> str:
    """The command that repeats a run; settings at their defaults are left out."""
    import shlex

    defaults = TrainConfig().to_dict()
    changed = [f"--set {key}={value}" for key, value in config.to_dict().items() if value != defaults[key]]
    parts = ["python -m studio train", shlex.quote(data), "--model", shlex.quote(model)]
    parts += ["--template", shlex.quote(template)]
    return " ".join([*parts, *changed])


def _new_id() -> str:
    with session() as opened:
        return new_name(set(opened.scalars(select(Run.id))))


def _view(run: Run) -> RunView:
    manifest = run_dir(run.id) / "manifest.json"
    summary = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    return RunView(
        id=run.id,
        dataset=run.dataset,
        version=run.version,
        model=run.model,
        template=run.template,
        config=TrainConfig(**run.config),
        created_at=run.created_at,
        created_by=run.created_by,
        job=JobView.of(run.job),
        summary=summary,
    )
