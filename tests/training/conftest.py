"""A home with the tiny model and a dataset, and a way to make a run on it in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.data.imports.importer import import_source
from lib.training import runs
from lib.training.config import TrainConfig
from lib.training.runs import RunView
from tests import tiny
from tests.helpers import write_lines

NewRun = Callable[..., RunView]


@pytest.fixture
def new_run(tiny_home: Path, tmp_path: Path) -> NewRun:
    """Queue a run; `rows` replaces the dataset, other keywords are settings.

    Without sample answers, which take most of the time of so small a run.
    """

    def create(rows: list[Any] | None = None, template: str = "llama2", **settings: Any) -> RunView:
        source = write_lines(tmp_path / "rows.jsonl", tiny.ROWS if rows is None else rows)
        data = import_source(str(source), "sums")
        config = TrainConfig.from_settings({**tiny.SETTINGS, "sample_tokens": 0, **settings})
        return runs.create(f"sums@{data.version}", "tiny", template, config, "tester")

    return create
