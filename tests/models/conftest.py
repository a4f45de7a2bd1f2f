"""A Hub on this machine, and the Hub's client made ready for it."""

from __future__ import annotations

import pytest

from tests.models.hub_server import Hub, running


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub that the client asks; no token of whoever runs the tests is used."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running(Hub()) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server
