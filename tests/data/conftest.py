"""Every test here writes the files that it imports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[[str, str | bytes], str]
WriteRows = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and return its path."""

    def write_file(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write_file


@pytest.fixture
def write_rows(write: Write) -> WriteRows:
    """Write rows as JSON Lines and return the path."""

    def write_lines(rows: list[Any], name: str = "rows.jsonl") -> str:
        return write(name, "".join(json.dumps(row) + "\n" for row in rows))

    return write_lines


@pytest.fixture
def leftovers(home: Path) -> Callable[[], list[str]]:
    """Names of everything under the datasets folder, hidden scratch included."""
    return lambda: sorted(str(path.relative_to(home)) for path in (home / "datasets").rglob("*"))
