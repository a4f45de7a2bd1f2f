"""A home with datasets and models without weights, and devices to plan for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.imports.importer import import_source
from lib.devices import Device
from tests import tiny
from tests.helpers import write_lines
from tests.training.plan.folders import LLAMA2_7B, write_hollow

Store = Callable[..., DatasetInfo]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Import rows, by default the sums of the tiny model."""

    def imported(rows: list[Any] | None = None, name: str = "sums") -> DatasetInfo:
        import_source(str(write_lines(tmp_path / f"{name}.jsonl", tiny.ROWS if rows is None else rows)), name)
        return datasets.get(name)

    return imported


@pytest.fixture
def seven(home: Path) -> str:
    """The name of a model of Llama-2-7B's shape."""
    write_hollow(home / "models" / "seven", LLAMA2_7B)
    return "seven"


def gpu(free_gib: float, name: str = "NVIDIA H100 80GB HBM3", capability: float = 9.0) -> Device:
    memory = int(free_gib * 2**30)
    return Device("cuda", 0, name, memory, memory, bf16=capability >= 8, capability=capability)


def cpu(free_gib: float = 16) -> Device:
    memory = int(free_gib * 2**30)
    return Device("cpu", 0, "AMD EPYC", memory, memory, bf16=False, cores=2)
