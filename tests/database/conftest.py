"""The team database, by its real migrations."""

import pytest

from tests.postgres import postgres, server

__all__ = ["postgres", "server"]


@pytest.fixture(autouse=True)
def copied_tables() -> None:
    """Nothing is copied here."""
