"""What a job is called, and the page of what it works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.jobs.view import JobView

VERBS = {
    "import": "Import",
    "bulk": "Change of many rows of",
    "check": "Checks of",
    "split": "Splits of",
    "leakage": "Leakage of",
    "measure": "Lengths and tokens of",
    "lint": "Lint of",
    "save": "New version of",
    "export": "Export of",
    "round trip": "Round trip of",
    "download": "Download of",
    "train": "Run",
    "dry run": "Measurement for the plan of",
    "compare": "Comparison",
    "package": "Merged package of",
    "package adapter": "Adapter package of",
    "engine": "Inference engine",
}
_CURATE = ("bulk", "check", "split", "leakage", "measure", "save")


@dataclass(frozen=True)
class Title:
    """`link` is a page's name and its parameters, as the activity list has it: `runs?run=gentle-otter`; or empty."""

    text: str
    link: str = ""


def title(job: JobView) -> Title:
    """A job in a few words."""
    subject = _subject(job)
    return Title(f"{VERBS.get(job.kind, job.kind.capitalize())} {subject}".strip(), _link(job, subject))


def _subject(job: JobView) -> str:
    payload = job.payload
    if job.kind == "engine":
        held = str(job.progress.get("model") or "")
        return f"with {Path(held).name}" if held else ""
    if job.kind == "leakage":
        return f"{_text(payload, 'left')} and {_text(payload, 'right')}"
    return _text(payload, "run", "of", "comparison", "dataset", "name", "model", "source")


def _text(payload: dict[str, Any], *keys: str) -> str:
    """The first of these that the payload has."""
    return next((str(payload[key]) for key in keys if payload.get(key)), "")


def _link(job: JobView, subject: str) -> str:
    if job.kind in ("train", "package", "package adapter"):
        return f"runs?run={subject}"
    if job.kind == "compare":
        return f"compare?comparison={subject}"
    if job.kind in _CURATE and "dataset" in job.payload:
        return f"curate?dataset={job.payload['dataset']}"
    if job.kind in ("lint", "export", "round trip"):
        return f"format?dataset={job.payload.get('dataset', '')}"
    if job.kind == "dry run":
        return f"train?dataset={job.payload.get('dataset', '')}"
    return "datasets" if job.kind == "import" else ""
