"""The test tokenizers as fixtures."""

from __future__ import annotations

import pytest

from lib.formats import ModelTokenizer, load_tokenizer
from tests.formats.tokenizers_for_tests import TOKENIZERS


@pytest.fixture(scope="session")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelTokenizer]:
    folder = tmp_path_factory.mktemp("models")
    return {name: load_tokenizer(write(folder / name)) for name, write in TOKENIZERS.items()}


@pytest.fixture(params=list(TOKENIZERS))
def tokenizer(request: pytest.FixtureRequest, tokenizers: dict[str, ModelTokenizer]) -> ModelTokenizer:
    return tokenizers[request.param]
