"""What the trainer's modules keep in memory, by device and settings. To be kept in step with `lib.training.trainer`."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Literal

from lib.devices import Device
from lib.training.config import TrainConfig

LOGITS_CPU, LOGITS_GPU = 2**22, 2**25  # numbers at once, as in `lib.training.trainer.head`
FLASH_CAPABILITY = 8.0


@dataclass(frozen=True)
class Kernels:
    """`adapter_width`: bytes of an adapter's parameter. `liger`: norms, gates and rotations in one kernel each.

    `lora`: a layer and its adapter in one function, which keep one input together. `attention`: one call of the flash
    kernel for all rows, row by row, or under a mask of tokens x tokens. `logits`: how many are there at once; 0 for all
    of them.
    """

    adapter_width: int
    liger: bool
    lora: bool = True
    attention: Literal["flash", "rows", "mask"] = "flash"
    logits: int = LOGITS_GPU

    @classmethod
    def of(cls, config: TrainConfig, device: Device, precision: str) -> Kernels:
        """Those that the trainer uses."""
        halved = device.is_gpu and config.quantization != "none" and precision == "bf16"
        width = 2 if halved else 4
        lora = not config.lora_dropout and not config.use_dora
        if not device.is_gpu:
            return cls(width, liger=False, lora=lora, attention="rows", logits=LOGITS_CPU)
        flash = device.capability >= FLASH_CAPABILITY and precision != "fp32"
        liger = importlib.util.find_spec("liger_kernel") is not None
        return cls(width, liger, lora, "flash" if flash else "mask")
