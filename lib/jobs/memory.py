"""Whether the machine ran out of memory: what Linux counts, and how much was left when a process was last heard."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from lib import devices

GROUPS = Path("/sys/fs/cgroup")
COUNTERS = (GROUPS / "memory.events", GROUPS / "memory" / "memory.oom_control", Path("/proc/vmstat"))
SHORT = 0.05  # less than this share left: a process that died of SIGKILL was most likely ended by the system


def oom_kills() -> int | None:
    """Processes that Linux has killed for want of memory, here or in this container; None where it does not say."""
    for file in COUNTERS:
        with contextlib.suppress(OSError, ValueError):
            counts = dict(line.split() for line in file.read_text().splitlines() if len(line.split()) == 2)
            if "oom_kill" in counts:
                return int(counts["oom_kill"])
    return None


def reading() -> dict[str, Any]:
    """`{"left", "total", "oom_kills"}` now: bytes, of this machine or of the limit that it is under."""
    total, left = devices.memory()
    return {"left": left, "total": total, "oom_kills": oom_kills()}


def ran_out(first: dict[str, Any], last: dict[str, Any], kills: int | None) -> bool:
    """Whether a process that ended without a word was most likely killed for want of memory.

    Args:
        first, last: its readings when it began and when it was last heard.
        kills: what `oom_kills` says now.
    """
    before = first.get("oom_kills")
    if kills is not None and before is not None and kills > before:
        return True
    return bool(last.get("total")) and last["left"] < SHORT * last["total"]


def named(what: str) -> dict[str, str]:
    """The error of a job that memory ran out for; `what` says how it ended."""
    return {
        "error": "OutOfMemory",
        "fault": "memory",
        "message": f"{what}: memory ran out.",
        "hint": "Choose a smaller batch or shorter rows, or end what else uses memory; then resume or start it again.",
    }
