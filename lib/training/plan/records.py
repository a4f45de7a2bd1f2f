"""What a plan says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lib.devices import Device
from lib.training.config import TrainConfig
from lib.training.plan.memory import Memory
from lib.training.plan.pace import Pace
from lib.training.plan.rows import Rows
from lib.training.plan.shapes import Shape


@dataclass(frozen=True)
class Warning:
    """Something to know before the start; `name` is the setting or part that it is about. `mild`: as short runs are."""

    name: str
    text: str
    mild: bool = False


@dataclass(frozen=True)
class Proposal:
    """Settings to change, why, and what the run then takes: time in seconds, memory that has to be free in bytes."""

    settings: dict[str, Any]
    why: str
    seconds: float
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 1)}


@dataclass(frozen=True)
class Plan:
    """A run before its start. Nothing was started, and no weight was read.

    `faults`: setting or part -> why the run cannot start; `fits` says so of the memory alone. `proposals`: changes that
    fit, the best first; where the settings do not fit, the first is the nearest change that does. `precision` and
    `memory.checkpointing` are what settings at `auto` come to. `measured`: by a dry run of these very settings.
    """

    data: str
    model: str
    template: str
    config: TrainConfig
    device: Device
    shape: Shape
    precision: str
    memory: Memory
    rows: Rows
    pace: Pace
    adapter_parameters: int
    measured: bool = False
    warnings: tuple[Warning, ...] = ()
    faults: dict[str, str] = field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()

    @property
    def fits(self) -> bool:
        return self.memory.fits

    @property
    def can_start(self) -> bool:
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """The document of `plan --json`."""
        return {
            "data": self.data,
            "model": self.model,
            "template": self.template,
            "settings": self.config.to_dict(),
            "device": self.device.to_dict(),
            "shape": self.shape.to_dict(),
            "precision": self.precision,
            "adapter_parameters": self.adapter_parameters,
            "fits": self.fits,
            "can_start": self.can_start,
            "measured": self.measured,
            "memory": self.memory.to_dict(),
            "rows": self.rows.to_dict(),
            "time": self.pace.to_dict(),
            "warnings": [asdict(warning) for warning in self.warnings],
            "faults": self.faults,
            "proposals": [proposal.to_dict() for proposal in self.proposals],
        }
