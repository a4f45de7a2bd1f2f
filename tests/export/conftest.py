"""The test tokenizers, those of the formats' tests, and the Hub's client made ready for a server on this machine."""

from __future__ import annotations

import pytest

from tests.formats.conftest import tokenizers  # noqa: F401 - a fixture


@pytest.fixture
def online(monkeypatch, tmp_path):
    """The Hub's client reads these when it is imported; no token of whoever runs the tests is used."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
