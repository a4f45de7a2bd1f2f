"""The tests leave alone what the person who runs them has stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.settings import ROOT, settings


@pytest.fixture(scope="module")
def shared_home() -> Path:
    """Where a fixture of several tests would store things."""
    return settings.home


def test_neither_a_test_nor_what_several_share_uses_the_real_home(shared_home: Path, home: Path) -> None:
    assert settings.home == home
    assert shared_home != home and not shared_home.is_relative_to(ROOT)
