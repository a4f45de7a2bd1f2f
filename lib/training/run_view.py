"""What screens and commands see of a run: its row, its job, and what it wrote into its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.database import Run
from lib.database.models import FINISHED, INTERRUPTED, STOPPED
from lib.formats import Template, stored_template
from lib.jobs.queue import JobView
from lib.storage import run_dir
from lib.training import checkpoints, suggestions
from lib.training.config import TrainConfig
from lib.training.notices import Notice, notices
from lib.words import moment

MADE_WITH = "made_with.json"  # written when a run begins; its manifest says the same in the end
ADOPTED = "adopt"  # kind of the job of an adapter that was made elsewhere
RESULT_KEYS = ("steps", "tokens", "seconds", "tokens_per_second", "peak_memory_bytes", "loss", "eval_loss")
FACT_KEYS = (
    "data",
    "data_hash",
    "model",
    "base_sha256",
    "template",
    "template_sha256",
    "git",
    "versions",
    "device",
    "threads",
    "ready_seconds",
    "other_share",
    "command",
    "adopted_from",
)


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
    tags: tuple[str, ...] = ()
    note: str = ""

    @property
    def status(self) -> str:
        return self.job.status

    @property
    def adopted(self) -> bool:
        """Whether its adapter was made elsewhere: it has no data, no steps and no checkpoints here."""
        return self.job.kind == ADOPTED

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What to know of it while it goes."""
        return notices(self.job, self.folder / "metrics.jsonl")

    @property
    def facts(self) -> dict[str, Any]:
        """What it was made with, to repeat it or to explain a difference; empty until its process has found out.

        Hashes of the dataset version, of the base's weights and of the template; `git`: commit of the studio and
        whether it was changed; `ready_seconds`: from the start of its process to the first step; `other_share`: of the
        time since then, what was spent on anything but steps.
        """
        known = self.summary or _read(self.folder / MADE_WITH)
        return {key: known[key] for key in FACT_KEYS if known.get(key) is not None}

    @property
    def parent(self) -> str | None:
        """The run that this one was started from with other settings."""
        return self.job.payload.get("parent")

    @property
    def error(self) -> dict[str, Any] | None:
        """What it failed with; `suggest` has the settings that would help, for `retry`, where there are any."""
        suggest = suggestions.for_error(self.job.error, self.config)
        return {**self.job.error, "suggest": suggest} if self.job.error and suggest else self.job.error

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
        """`name@version`; empty for one that was made elsewhere."""
        return f"{self.dataset}@{self.version}" if self.dataset else ""

    def to_dict(self) -> dict[str, Any]:
        """The shape of one entry of `runs --json` and of `run ID --json`."""
        return {
            "run": self.id,
            "status": self.status,
            "data": self.data_ref,
            "model": self.model,
            "template": self.template,
            "created_at": moment(self.created_at),
            "created_by": self.created_by,
            "tags": list(self.tags),
            "note": self.note,
            "config": self.config.to_dict(),
            "progress": self.job.progress,
            "error": self.error,
            "parent": self.parent,
            "resumable": resumable(self),
            "adopted": self.adopted,
            "warnings": [notice.text for notice in self.warnings],
            "facts": self.facts,
            **{key: self.summary[key] for key in RESULT_KEYS if key in self.summary},
        }


def view_of(run: Run) -> RunView:
    """What there is to see of a row of the table."""
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
        summary=_read(run_dir(run.id) / "manifest.json"),
        tags=tuple(run.tags),
        note=run.note,
    )


def _read(path: Path) -> dict[str, Any]:
    """A file of the run; nothing where it is not there yet."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def resumable(view: RunView) -> int | None:
    """The step that a run goes on from when it is resumed; 0 begins anew, as nothing was kept; None: it cannot be.

    A run that diverged would do so again, and one that has finished can only be extended.
    """
    if view.job.live or view.status == FINISHED or (view.job.error or {}).get("fault") == "diverged":
        return None
    if found := checkpoints.newest(view.folder):
        return found.step
    return 0 if view.status in (INTERRUPTED, STOPPED) and not view.has_adapter else None


def extendable(view: RunView) -> int | None:
    """The step that `extend` would go on from; None when there is no checkpoint to do so."""
    return None if view.job.live else kept_step(view)


def kept_step(view: RunView) -> int | None:
    """The step of its newest checkpoint: a run that waits goes on from there when its turn comes."""
    found = checkpoints.newest(view.folder)
    return found.step if found else None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The whole lines of such a file."""
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines() if line.strip()]
