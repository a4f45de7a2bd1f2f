"""What a run was made with, in words: for pages and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.versions import commit_words, listed
from lib.words import duration

LABELS = {
    "data": "data",
    "data_hash": "content of the data (SHA-256)",
    "model": "model",
    "base_sha256": "weights of the base (SHA-256)",
    "template": "template",
    "template_sha256": "template (SHA-256)",
    "device": "device",
    "threads": "threads of the processor",
    "git": "studio",
    "versions": "libraries",
    "ready_seconds": "first step after the start of its process",
    "other_share": "of the time since then, not steps",
    "command": "command",
    "adopted_from": "taken in from",
}


def in_words(facts: Mapping[str, Any]) -> dict[str, str]:
    """What -> how it was, of `RunView.facts`; one that is not known here under its own name."""
    return {LABELS.get(key, key.replace("_", " ")): _words(key, value) for key, value in facts.items()}


def _words(key: str, value: Any) -> str:
    match key:
        case "git":
            return commit_words(value)
        case "versions":
            return listed(value)
        case "ready_seconds":
            return duration(value)
        case "other_share":
            return f"{value:.0%}"
    return str(value)
