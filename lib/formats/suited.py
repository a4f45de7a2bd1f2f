"""Which template suits a model."""

from __future__ import annotations

from pathlib import Path

from lib.formats.tokenizer import load_tokenizer


def suited_template(folder: str | Path) -> str:
    """The template to begin with: the model's own where it was made to talk in one, else `llama2`.

    Raises:
        ModelError: files are missing or broken.
    """
    return "model" if load_tokenizer(folder).chat is not None else "llama2"
