"""The device as a run will find it when its turn comes: what computes on it now has let go of its memory by then."""

from __future__ import annotations

from dataclasses import replace

import psutil

from lib.devices import Device, default_device
from lib.jobs import queue
from lib.jobs.view import JobView


def device_at_its_turn() -> Device:
    """The first GPU, else the CPU, with what running jobs of its lane hold counted as free."""
    device = default_device()
    running = [job for job in queue.live_jobs() if job.status == "running" and job.lane == "compute"]
    if not running:
        return device
    held = device.memory if device.is_gpu else sum(_held(job) for job in running)
    return replace(device, free=min(device.memory, device.free + held))


def _held(job: JobView) -> int:
    """Bytes that are its own: mapped files are not, and count as free already."""
    pid, started = queue.process_of(job.id)
    try:
        if not pid or not queue.is_alive(pid, started):
            return 0
        found = psutil.Process(pid).memory_info()
    except psutil.Error:  # it has ended just now, or is somebody else's
        return 0
    return max(found.rss - getattr(found, "shared", 0), 0)
