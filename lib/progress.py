"""How far long work is, as it tells it to whoever started it: a job, a command or a test."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Told how many are done, and how many there are in all where that is known; what it raises ends the work."""
