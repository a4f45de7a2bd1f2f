"""With what a dataset is linted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lib import models
from lib.data.datasets import DatasetInfo
from lib.errors import BadInput
from lib.formats import ModelTokenizer, load_tokenizer
from lib.formats.lint import Linter, fingerprint
from lib.storage import lint_file


@dataclass(frozen=True)
class LintSettings:
    """`model`: whose tokenizer it is. `max_length` in tokens, None for no limit. `escape`: marks in texts are escaped.

    Raises:
        BadInput: a length below 1.
    """

    template: str
    model: str
    max_length: int | None
    escape: bool = False

    def __post_init__(self) -> None:
        if self.max_length is not None and self.max_length < 1:
            raise BadInput(f"Rows cannot be {self.max_length} tokens long.", "Give a length above 0.")

    def tokenizer(self) -> ModelTokenizer:
        """Raises NotFound, ModelError: no such model, or its tokenizer cannot be read."""
        return load_tokenizer(models.find(self.model).path)

    def linter(self) -> Linter:
        """Raises NotFound, ModelError: no such template or model, or one that cannot be used."""
        return Linter(self.template, self.tokenizer(), self.max_length, self.escape)

    def fingerprint(self) -> str:
        """Changes when the template or the tokenizer does; raises what `linter` raises."""
        return fingerprint(self.template, self.tokenizer())

    def file(self, info: DatasetInfo) -> Path:
        """Where the findings of a version are kept."""
        key = hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()
        return lint_file(info.name, info.version, key[:16])

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> LintSettings:
        """From a mapping that may hold more."""
        return cls(value["template"], value["model"], value["max_length"], value.get("escape", False))
