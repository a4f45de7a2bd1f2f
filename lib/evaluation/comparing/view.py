"""A comparison as screens and commands see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib.database import Comparison
from lib.database.models import FINISHED
from lib.evaluation.comparing.config import CompareConfig
from lib.evaluation.metrics import MetricSpec, list_metrics
from lib.evaluation.sides import Side
from lib.jobs.queue import JobView
from lib.storage import comparison_dir
from lib.words import moment


@dataclass(frozen=True)
class ComparisonView:
    """One comparison with the state of its job. `result` is empty until there is one (see `comparing.job`)."""

    id: int
    runs: list[str]
    dataset: str
    version: int
    split: str
    prompt_set: str
    note: str
    config: dict[str, Any]
    created_at: float
    created_by: str
    job: JobView
    result: dict[str, Any]

    @property
    def status(self) -> str:
        return self.job.status

    @property
    def resumable(self) -> bool:
        """Whether it ended before its last answer, so that `resume` goes on with it."""
        return not self.job.live and self.status != FINISHED

    @property
    def data_ref(self) -> str:
        """`name@version`; empty where a prompt set was asked."""
        return f"{self.dataset}@{self.version}" if self.dataset else ""

    @property
    def asked(self) -> str:
        """What was asked, in words: `sums@1 test`, `prompt set smoke`."""
        return f"{self.data_ref} {self.split}" if self.dataset else f"prompt set {self.prompt_set}"

    @property
    def sides(self) -> list[str]:
        """Names of those that answer, the reference first."""
        return [side["name"] for side in self.config.get("sides", [])] or list(self.result.get("models", {}))

    @property
    def who(self) -> list[Side]:
        """Those that answer, the reference first."""
        return [Side.from_dict(side) for side in self.config.get("sides", [])]

    @property
    def settings(self) -> CompareConfig:
        return CompareConfig.from_dict(self.config)

    @property
    def metrics(self) -> dict[str, MetricSpec]:
        """Its metrics as they were: a rule may have been changed or removed since."""
        stored: Mapping[str, Any] = self.result.get("metrics", {})
        if stored:
            return {name: MetricSpec.from_dict(spec) for name, spec in stored.items()}
        known = list_metrics()
        scored = next(iter(self.result.get("models", {}).values()), self.config.get("metrics", []))
        return {name: known[name] for name in scored if name in known}

    def to_dict(self) -> dict[str, Any]:
        """The shape of `compare --json`."""
        return {
            "comparison": self.id,
            "status": self.status,
            "runs": self.runs,
            "data": self.data_ref,
            "split": self.split,
            "prompt_set": self.prompt_set,
            "note": self.note,
            "config": self.config,
            "created_at": moment(self.created_at),
            "created_by": self.created_by,
            "error": self.job.error,
            **self.result,
            "finished_at": moment(self.result.get("finished_at")),
        }


def view_of(row: Comparison) -> ComparisonView:
    """What there is to see of a row of the table."""
    return ComparisonView(
        id=row.id,
        runs=list(row.runs),
        dataset=row.dataset,
        version=row.version,
        split=row.split,
        prompt_set=row.prompt_set,
        note=row.note,
        config=row.config,
        created_at=row.created_at,
        created_by=row.created_by,
        job=JobView.of(row.job),
        result=_result(comparison_dir(row.id) / "result.json"),
    )


def _result(path: Path) -> dict[str, Any]:
    """What a comparison found, empty while it has not; not to be changed, since it is kept for the next to ask."""
    try:
        found = path.stat()
        return _read(path, found.st_ino, found.st_mtime_ns)
    except FileNotFoundError:
        return {}


@lru_cache(maxsize=512)
def _read(path: Path, _inode: int, _changed: int) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return stored
