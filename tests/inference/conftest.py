"""The way to make a run that the tests of training use."""

from __future__ import annotations

from tests.training.conftest import new_run  # noqa: F401 - a fixture
