"""Processes by pid and create time, as pids are used again; and what a dead one left behind."""

from __future__ import annotations

import contextlib
import os

import psutil


def is_alive(pid: int | None, started: float | None) -> bool:
    """True when a process of that pid and create time lives (pids are used again by the system)."""
    if not pid:
        return False
    try:
        process = psutil.Process(pid)
        same = started is None or abs(process.create_time() - started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def serves(pid: int, job_id: int) -> bool:
    """True when the process of that pid was started for this job, whatever its create time is said to be.

    Create times are counted from the boot, whose time moves when the clock is set: a live job must not die of that.
    """
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.cmdline()[-1:] == [str(job_id)]
    except psutil.Error:
        return False


def end_session(leader: int) -> list[int]:
    """Kill what is left of the session of a dead process, so that none of its children holds memory or files.

    Nothing is done while a process of that pid lives: then the number is somebody else's by now.

    Returns:
        The pids that were killed.
    """
    if leader == os.getsid(0) or is_alive(leader, None):
        return []
    left = [pid for pid in psutil.pids() if _session(pid) == leader and pid != leader]
    for pid in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    return left


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
