"""What to know of a run while it goes: no step for long, a loss that rises, gradients lost, memory nearly used up.

Reads what the job says of itself and the last lines of metrics.jsonl; no torch.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lib.database.models import RUNNING
from lib.jobs.queue import JobView
from lib.training.suggestions import words
from lib.words import counted, duration, memory

TAIL_BYTES = 16_384  # of metrics.jsonl: some 80 steps
SILENT_SECONDS = 60.0  # a job's process is heard every second
FULL = 0.95  # of the memory of the device
MANY_LOST, MANY_LOST_SHARE = 3, 0.1  # steps of those read whose gradients were no numbers

Kind = Literal["stalled", "silent", "rising", "not finite", "memory"]


@dataclass(frozen=True)
class Notice:
    """`text`: what, since when, and what to do. `suggest`: settings that would help, where there are any."""

    kind: Kind
    text: str
    suggest: dict[str, Any] = field(default_factory=dict)


def notices(job: JobView, metrics: Path) -> tuple[Notice, ...]:
    """The weightier first; none unless the job is running.

    Args:
        metrics: the run's metrics.jsonl, of which only the end is read.
    """
    if job.status != RUNNING:
        return ()
    found = (_silent(job), _stalled(job), _rising(job), _not_finite(tail(metrics)), _memory(job))
    return tuple(notice for notice in found if notice)


def tail(path: Path) -> list[dict[str, Any]]:
    """The last whole lines of such a file, however long it is."""
    try:
        with path.open("rb") as file:
            start = max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0)
            file.seek(start)
            lines = file.read().split(b"\n")
    except OSError:
        return []
    whole = lines[1 if start else 0 : -1]
    return [json.loads(line) for line in whole if line.strip()]


def _silent(job: JobView) -> Notice | None:
    """Its process is there, but frozen: halted, or waiting for a disk or for memory."""
    if job.heard_at is None or (quiet := time.time() - job.heard_at) < SILENT_SECONDS:
        return None
    text = f"Its process has not been heard of for {duration(quiet)}. {_THEN}"
    return Notice("silent", f"{text} Look whether the machine is short of memory or its disk does not answer.")


def _stalled(job: JobView) -> Notice | None:
    if "stalled" not in job.progress:
        return None
    progress = job.progress
    return Notice(
        "stalled",
        f"No new step for {duration(progress['stalled'])}, since step {progress.get('done', 0):,.0f}; one usually "
        f"takes {progress['beat']['usual']:.1f} s. {_THEN}",
    )


_THEN = "If that goes on, stop it and resume: it goes on from its last checkpoint."


def _rising(job: JobView) -> Notice | None:
    if "warning" not in job.progress:
        return None
    suggest = dict(job.progress.get("suggest") or {})
    then = f" If it does not fall again, stop it and start it with {words(suggest)}." if suggest else ""
    return Notice("rising", f"{job.progress['warning']}{then}", suggest)


def _not_finite(lines: Sequence[dict[str, Any]]) -> Notice | None:
    """With fp16 a few such steps are usual while the scale of the gradients is found; they are passed over."""
    steps = [line for line in lines if "loss" in line]
    lost = [line["step"] for line in steps if "grad_norm" in line.get("not_finite", ())]
    if len(lost) < max(MANY_LOST, MANY_LOST_SHARE * len(steps)):
        return None
    text = f"Gradients were not finite (nan) at {len(lost)} of the last {counted(len(steps), 'step')}, last at step"
    return Notice(
        "not finite", f"{text} {lost[-1]:,}. Such a step teaches nothing: a smaller learning_rate or bf16 may help."
    )


def _memory(job: JobView) -> Notice | None:
    """Of a GPU what the run holds, of a machine what is left to all."""
    progress, machine = job.progress, job.machine
    limit = progress.get("memory_limit")
    if limit and progress.get("memory", 0) > FULL * limit:
        used = f"{memory(progress['memory'])} of the GPU's {memory(limit)} are used"
    elif machine.get("total") and machine["left"] < (1 - FULL) * machine["total"]:
        used = f"Only {memory(machine['left'])} of this machine's {memory(machine['total'])} of memory are left"
    else:
        return None
    return Notice(
        "memory", f"{used}: a longer batch may end the run. End what else uses memory, or take a smaller batch."
    )
