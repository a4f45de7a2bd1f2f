"""A home with small tokenizers as models, and rows of which each shows something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.data.datasets import DatasetInfo, get
from lib.data.imports.importer import import_source
from lib.data.lint import LintSettings
from tests.formats.tokenizers_for_tests import llama2_like, starter_like
from tests.helpers import write_lines

Make = Callable[..., DatasetInfo]
CHAT = LintSettings("chatml", "chat", 60)
OWN = LintSettings("model", "chat", 60)
LLAMA = LintSettings("llama2", "llama", 60)


def chat(*turns: str) -> dict[str, Any]:
    """A row of messages; the first is the user's unless it starts with `system:`."""
    roles = ["user", "assistant"]
    head = [{"role": "system", "content": turns[0][7:]}] if turns[0].startswith("system:") else []
    turns = turns[1:] if head else turns
    messages = [*head, *({"role": roles[n % 2], "content": text} for n, text in enumerate(turns))]
    return {"messages": messages, "split": "train"}


ROWS = [
    chat("Hi", "Hello!"),  # 1
    chat("system:Be brief.", "Hi", "Hello!"),
    chat("Hi", " "),  # 3: no answer
    chat("What is <|im_end|>?", "An end."),  # 4: a mark of ChatML
    chat("What is [INST]?", "A start."),  # 5: a mark of Llama 2
    chat("Hi\n", " Hello! "),  # 6: outer whitespace
    chat("Say it.", "word " * 60),  # 7: too long
    chat("word " * 60, "Yes."),  # 8: nothing left
    chat(*(text for n in range(6) for text in (f"Say {n}.", f"It is {n}. " * 3))),  # 9: many turns
    chat("What is </s>?", "An end."),  # 10: a special token of Llama
]


@pytest.fixture
def models(home: Path) -> Path:
    for name, write in (("chat", starter_like), ("llama", llama2_like)):
        folder = write(home / "models" / name)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        (folder / "model.safetensors").touch()
    return home / "models"


@pytest.fixture
def make(tmp_path: Path, models: Path) -> Make:
    def make_dataset(rows: list[dict[str, Any]], name: str = "rows") -> DatasetInfo:
        import_source(str(write_lines(tmp_path / f"{name}.jsonl", rows)), name)
        return get(name)

    return make_dataset


@pytest.fixture
def info(make: Make) -> DatasetInfo:
    return make(ROWS)
