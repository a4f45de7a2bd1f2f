"""What this machine computes with, found out without torch: its NVIDIA GPUs and its CPU.

device = default_device()      the first GPU, else the CPU
devices()                      all of them, GPUs first
memory()                       what a process may have of the machine

Nothing here fails: a machine that does not answer counts as one without a GPU.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import psutil

KEPT_SECONDS = 5.0
_QUERY = ("index", "uuid", "name", "memory.total", "memory.free", "compute_cap")
_GROUPS = Path("/sys/fs/cgroup")
_BF16_CAPABILITY = 8.0  # Ampere


@dataclass(frozen=True)
class Device:
    """One device that a run can use.

    `gigaflops`: of one core of a CPU, in float32, as training reaches them.
    `memory`: bytes that this process could ever have; `free`: bytes that it could have now. `bf16`: it is fast in
    bfloat16. `capability`: of an NVIDIA GPU, such as 8.0, else 0. `cores`: of a CPU, that this process may use.
    """

    kind: Literal["cpu", "cuda"]
    index: int
    name: str
    memory: int
    free: int
    bf16: bool
    capability: float = 0.0
    cores: int = 0
    gigaflops: float = 40.0

    @property
    def is_gpu(self) -> bool:
        return self.kind == "cuda"

    @property
    def id(self) -> str:
        """`cuda:0`, `cpu`."""
        return f"cuda:{self.index}" if self.is_gpu else "cpu"

    def limited(self, memory: int) -> Device:
        """The same with so many bytes at most, to leave room for others."""
        return replace(self, memory=min(self.memory, memory), free=min(self.free, memory))

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, **asdict(self)}


def devices() -> tuple[Device, ...]:
    """All devices, GPUs first; looked up again after a few seconds."""
    now = time.monotonic()
    if _kept is None or now - _kept[0] > KEPT_SECONDS or _kept[1] != _visible():
        _keep((now, _visible(), (*_gpus(), _cpu())))
    assert _kept is not None
    return _kept[2]


def default_device() -> Device:
    """The one that a run takes: the first GPU, else the CPU."""
    return devices()[0]


def memory() -> tuple[int, int]:
    """Bytes that this process could ever have and that it could have now: the machine's, or the limits it is under."""
    machine = psutil.virtual_memory()
    total, free = machine.total, machine.available
    for limit, used in _limits():
        total, free = min(total, limit), min(free, max(limit - used, 0))
    return total, free


def forget() -> None:
    """Look again at the next call."""
    _keep(None)


_Kept = tuple[float, str | None, tuple[Device, ...]]
_kept: _Kept | None = None


def _keep(found: _Kept | None) -> None:
    global _kept  # noqa: PLW0603 (a cache of one entry)
    _kept = found


def _visible() -> str | None:
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def _gpus() -> list[Device]:
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return []
    found: dict[str, Device] = {}
    for cells in csv.reader(io.StringIO(done.stdout), skipinitialspace=True):
        with contextlib.suppress(ValueError):
            index, uuid, name, total, free, capability = (cell.strip() for cell in cells)
            found[uuid] = _gpu(int(index), name, total, free, capability)
    return _chosen(found)


def _gpu(index: int, name: str, total: str, free: str, capability: str) -> Device:
    grade = float(capability)
    return Device(
        "cuda", index, name, int(float(total) * 2**20), int(float(free) * 2**20), grade >= _BF16_CAPABILITY, grade
    )


def _chosen(found: dict[str, Device]) -> list[Device]:
    """Those that CUDA_VISIBLE_DEVICES lets a process see, in its order; at the first that is not there it ends."""
    visible = _visible()
    if visible is None:
        return list(found.values())
    chosen: list[Device] = []
    for entry in visible.split(","):
        match = [
            device
            for uuid, device in found.items()
            if entry.strip() and (str(device.index) == entry.strip() or uuid.startswith(entry.strip()))
        ]
        if not match:
            break
        chosen.append(match[0])
    return chosen


def _cpu() -> Device:
    total, free = memory()
    return Device(
        "cpu",
        0,
        _cpu_name(),
        total,
        free,
        _flag("amx_bf16") or _flag("avx512_bf16"),
        cores=_cores(),
        gigaflops=_gigaflops(),
    )


def _limits() -> Iterator[tuple[int, int]]:
    """Bytes allowed and bytes used, of every control group with a limit that this process is in."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if controllers == "":
                yield from _walk(_GROUPS, group, "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                yield from _walk(_GROUPS / "memory", group, *names)


def _walk(root: Path, group: str, limit: str, used: str, cache: str) -> Iterator[tuple[int, int]]:
    """From the process's group up to the root: a container sees its own group as the root."""
    path = root / group.strip("/")
    for folder in (path, *path.parents):
        with contextlib.suppress(OSError, ValueError):
            allowed = int((folder / limit).read_text())  # "max" is no number: no limit
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            yield allowed, int((folder / used).read_text()) - int(stat.get(cache, 0))
        if folder == root:
            return


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = (_GROUPS / "cpu.max").read_text().split()
        cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(cores, 1)


def _gigaflops() -> float:
    """Measured with the starter on processors of both kinds: those with vectors of 512 bits, and others."""
    return 40.0 if _flag("avx512f") else 29.0


def _cpu_name() -> str:
    name = _of_cpu("model name") or platform.processor() or platform.machine()
    return " ".join(name.split()) or "CPU"


def _flag(name: str) -> bool:
    return name in _of_cpu("flags").split()


def _of_cpu(field: str) -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == field:
                return value.strip()
    return ""
