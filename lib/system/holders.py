"""Devices and the jobs that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lib import devices
from lib.devices import Device
from lib.jobs import lanes
from lib.system import jobs
from lib.system.jobs import LiveJob


@dataclass(frozen=True)
class Held:
    """A device with the running jobs that hold it. Jobs of the light lane hold none."""

    device: Device
    jobs: tuple[LiveJob, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**self.device.to_dict(), "held_by": [job.to_dict() for job in self.jobs]}


def held(running: list[LiveJob] | None = None) -> list[Held]:
    """Every device, GPUs first. `running`: what `jobs.running` gave, where it is known already."""
    running = jobs.running() if running is None else running
    found = devices.devices()
    holding: dict[str, list[LiveJob]] = {device.id: [] for device in found}
    for job in running:
        if job.view.lane != lanes.LIGHT:
            holding[_device_of(job, found).id].append(job)
    return [Held(device, tuple(holding[device.id])) for device in found]


def _device_of(job: LiveJob, found: tuple[Device, ...]) -> Device:
    """As the launcher tells the job's process (`lanes.environment`): its number among the GPUs, else the first one."""
    gpus = [device for device in found if device.is_gpu]
    if not gpus:
        return found[-1]
    return gpus[job.view.device] if job.view.device < len(gpus) else gpus[0]
