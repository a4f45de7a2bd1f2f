"""Everything that the System page shows, as one JSON document."""

from __future__ import annotations

from typing import Any

from lib.models import list_models
from lib.models.download import unfinished
from lib.settings import ROOT
from lib.system import disk, freeing, jobs, values
from lib.system.holders import held
from lib.system.workers import list_workers
from lib.versions import git_state, versions

SHOWN = (
    "streamlit",
    "torch",
    "transformers",
    "peft",
    "trl",
    "bitsandbytes",
    "accelerate",
    "liger-kernel",
    "datasets",
    "evaluate",
    "tokenizers",
    "safetensors",
    "huggingface_hub",
    "duckdb",
    "pyarrow",
    "pandas",
    "numpy",
    "SQLAlchemy",
)
"""Libraries whose versions people ask for when something is odd."""


def document() -> dict[str, Any]:
    """Gather it. The disk is measured now, which takes a while where the home is large."""
    running = jobs.running()
    return {
        "devices": [one.to_dict() for one in held(running)],
        "queue": {
            "running": [job.to_dict() for job in running],
            "waiting": [job.to_dict() for job in jobs.waiting()],
        },
        "workers": [worker.to_dict() for worker in list_workers(running)],
        "failed": [job.to_dict() for job in jobs.failed()],
        "disk": {**disk.measure().to_dict(), "freeable": [one.to_dict() for one in freeing.freeable()]},
        "models": [model.to_dict() for model in list_models()],
        "unfinished": [one.to_dict() for one in unfinished()],
        "versions": versions(SHOWN),
        "git": git_state(ROOT),
        "settings": [value.to_dict() for value in [*values.listed(), *values.foreign()]],
    }
