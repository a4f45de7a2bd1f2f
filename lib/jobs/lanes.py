"""Which device a job is to use: the lanes, how many jobs each runs at once, and what a process is let see."""

from __future__ import annotations

import os
from functools import lru_cache

from lib import devices as machine

LIGHT = "light"  # no limit, no device
EXCLUSIVE = ("compute", "engine")


@lru_cache(maxsize=1)
def gpus() -> tuple[int, ...]:
    """Numbers of the GPUs that the studio may use, as nvidia-smi counts them; asked once a process."""
    return tuple(device.index for device in machine.devices() if device.is_gpu)


def places(lane: str) -> int:
    """Jobs that a lane runs at once: `compute` one on each GPU (one without any), every other exclusive lane one."""
    return max(len(gpus()), 1) if lane == "compute" else 1


def environment(lane: str, device: int) -> dict[str, str]:
    """What a job's process finds in its environment, so that it sees one GPU: TRL refuses several."""
    if lane == LIGHT or not gpus():
        return {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]}
    chosen = gpus()[device] if device < len(gpus()) else gpus()[0]
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(chosen)}
