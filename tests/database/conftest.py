"""The team database."""

from tests.postgres import postgres, server

__all__ = ["postgres", "server"]
