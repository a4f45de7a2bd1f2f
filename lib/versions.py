"""What the studio runs with: Python, its libraries, its own commit. Found out without importing any of them."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "bitsandbytes",
    "accelerate",
    "datasets",
    "tokenizers",
    "safetensors",
    "liger-kernel",
)
"""Those that a run's numbers hang on."""


def versions(names: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Library -> version, and that of Python; libraries that are not installed are left out."""
    found = {"python": platform.python_version()}
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def listed(found: Mapping[str, str]) -> str:
    """`versions` in one line."""
    return ", ".join(f"{name} {number}" for name, number in found.items())


def commit_words(git: Mapping[str, Any]) -> str:
    """What `git_state` found, in words."""
    if not git:
        return "not in a checkout with a commit"
    return f"commit {git['commit'][:12]}{', with changes that are not committed' if git['dirty'] else ''}"


def git_state(folder: Path) -> dict[str, Any]:
    """`commit` and `dirty` of the checkout whose top is `folder`; empty without git, or when it is no such top."""

    def ask(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()

    try:
        if Path(ask("rev-parse", "--show-toplevel")).resolve() != folder.resolve():
            return {}
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return {}
