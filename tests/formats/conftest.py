"""The test tokenizers as fixtures: `tokenizers` and `tokenizer` are small fakes, the others have real ones too."""

from __future__ import annotations

from typing import Any

import pytest

from lib.formats import ModelTokenizer, load_tokenizer
from tests.formats.real_tokenizers import REAL
from tests.formats.tokenizers_for_tests import TOKENIZERS, gpt2_like


@pytest.fixture(scope="session")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelTokenizer]:
    folder = tmp_path_factory.mktemp("models")
    return {name: load_tokenizer(write(folder / name)) for name, write in TOKENIZERS.items()}


@pytest.fixture(params=list(TOKENIZERS))
def tokenizer(request: pytest.FixtureRequest, tokenizers: dict[str, ModelTokenizer]) -> ModelTokenizer:
    return tokenizers[request.param]


@pytest.fixture(scope="session")
def real_tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelTokenizer]:
    """Those of SmolLM2, Llama 3 and Mistral."""
    folder = tmp_path_factory.mktemp("real")
    return {name: load_tokenizer(write(folder / name)) for name, write in REAL.items()}


@pytest.fixture(scope="session")
def all_tokenizers(
    tmp_path_factory: pytest.TempPathFactory,
    tokenizers: dict[str, ModelTokenizer],
    real_tokenizers: dict[str, ModelTokenizer],
) -> dict[str, ModelTokenizer]:
    """Every shape of tokenizer; `gpt2_like` has no chat template."""
    gpt2 = load_tokenizer(gpt2_like(tmp_path_factory.mktemp("models") / "gpt2_like"))
    return {**tokenizers, "gpt2_like": gpt2, **real_tokenizers}


@pytest.fixture(params=[*TOKENIZERS, "gpt2_like", *REAL])
def any_tokenizer(request: pytest.FixtureRequest, all_tokenizers: dict[str, ModelTokenizer]) -> ModelTokenizer:
    return all_tokenizers[request.param]


@pytest.fixture(scope="session")
def transformers_tokenizers(all_tokenizers: dict[str, ModelTokenizer]) -> dict[str, Any]:
    """What transformers makes of the same folders."""
    from transformers import AutoTokenizer

    return {name: AutoTokenizer.from_pretrained(tokenizer.path) for name, tokenizer in all_tokenizers.items()}
