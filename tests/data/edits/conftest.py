"""Small datasets to edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.data.datasets import DatasetInfo, get
from lib.data.imports.importer import import_source
from tests.helpers import write_lines
from tests.postgres import postgres, server

__all__ = ["info", "make", "postgres", "server"]

Make = Callable[..., DatasetInfo]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Import rows as a dataset."""

    def make_dataset(rows: list[dict[str, Any]], name: str = "small", **options: Any) -> DatasetInfo:
        import_source(str(write_lines(tmp_path / f"{name}.jsonl", rows)), name, **options)
        return get(name)

    return make_dataset


@pytest.fixture
def info(make: Make) -> DatasetInfo:
    """Twenty questions and answers."""
    return make([{"question": f"What is {number}?", "answer": f"It is {number}."} for number in range(1, 21)])
