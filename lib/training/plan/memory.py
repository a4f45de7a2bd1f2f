"""The parts of a run's memory, and whether they fit; `estimate` fills them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

BATCH_ITEMS = ("activations", "work", "loss")
ROOM = 0.95  # of what is free: more is not planned with


@dataclass(frozen=True)
class Item:
    """One part in bytes, and in words what it is. `reclaimable`: the system takes it back when memory is short."""

    name: str
    bytes: int
    words: str
    reclaimable: bool = False


@dataclass(frozen=True)
class Memory:
    """The parts of a run's peak, and whether it fits.

    `peak` is what a run reports: on a GPU what torch has allotted, on a CPU all of the process. `needed` is what has to
    be free: on a GPU more (context, reserve), on a CPU less (files that are only mapped). `loading`: peak while the
    base is read, which the steps need not reach, `mapped` of it from files. `source` says which dry run measured the
    peak; empty when it is estimated.
    """

    items: tuple[Item, ...]
    overhead: Item
    on_gpu: bool
    free: int
    checkpointing: bool
    loading: int = 0
    mapped: int = 0
    measured: int | None = None
    source: str = ""

    @property
    def estimated(self) -> int:
        return max(self._steps, self.loading)

    @property
    def _steps(self) -> int:
        """Peak of the steps themselves."""
        return sum(item.bytes for item in self.items) + (0 if self.on_gpu else self.overhead.bytes)

    @property
    def of_reading(self) -> bool:
        """The peak is reached while the base is read, not in the steps."""
        return self.loading > self._steps

    @property
    def peak(self) -> int:
        return self.estimated if self.measured is None else self.measured

    @property
    def needed(self) -> int:
        if self.on_gpu:
            return self.peak + self.overhead.bytes
        given_back = sum(item.bytes for item in self.items if item.reclaimable)
        if self.measured is not None and not self.of_reading:
            return self.measured - given_back
        # The steps stay an estimate where the measured peak is another's.
        reading = max(self.loading, self.measured or 0) - self.mapped
        return max(self._steps - given_back, reading)

    @property
    def how(self) -> str:
        """Where the figure of the peak is from."""
        reading = "estimated; it is reached while the base is read from its files"
        return self.source or (reading if self.of_reading else "estimated, the sum of the parts")

    @property
    def usable(self) -> int:
        """What may be planned with of what is free."""
        return int(self.free * ROOM)

    @property
    def fits(self) -> bool:
        return self.needed <= self.usable

    def with_measurement(self, peak: int, source: str) -> Memory:
        """The same with a measured peak; the parts stay as they were estimated."""
        return replace(self, measured=peak, source=source)

    def corrected(self, factor: float) -> Memory:
        """With what depends on the batch so many times as large, as measured with other settings."""
        items = (
            replace(item, bytes=round(item.bytes * factor)) if item.name in BATCH_ITEMS else item for item in self.items
        )
        return replace(self, items=tuple(items))

    @property
    def of_batch(self) -> int:
        """Bytes of the parts that depend on the batch."""
        return sum(item.bytes for item in self.items if item.name in BATCH_ITEMS)

    def to_dict(self) -> dict[str, Any]:
        return {
            "items": [asdict(item) for item in (*self.items, self.overhead)],
            "estimated_bytes": self.estimated,
            "peak_bytes": self.peak,
            "needed_bytes": self.needed,
            "free_bytes": self.free,
            "fits": self.fits,
            "measured": self.measured is not None,
            "source": self.source,
            "how": self.how,
            "gradient_checkpointing": self.checkpointing,
        }
