"""What a person chooses for an export, in one frozen record; every choice with its line of help."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from lib.errors import BadInput, BadSettings
from lib.formats import get_template
from lib.formats.fitting import POLICIES

COLUMNS: dict[str, str] = {
    "text": "One column of rendered text, for trainers that read text.",
    "messages": "A list of {role, content}: what most trainers and chat APIs read.",
    "prompt-completion": "Two columns; rendered with a template, or without one the question and the answer.",
    "alpaca": "Three columns: instruction, input, output. One question and one answer a row.",
    "sharegpt": "A list of {from, value} with system, human and gpt.",
    "ids": "input_ids and labels (-100 where nothing is learned): exactly what a model is trained on.",
}
FORMATS: dict[str, str] = {
    ".jsonl": "One JSON object a line.",
    ".json": "One JSON list.",
    ".csv": "A table; lists stand in their cells as JSON, and no cell can start a formula.",
    ".parquet": "Packed and typed; the quickest to write and to load.",
}
LONG_ROWS = POLICIES


@dataclass(frozen=True)
class ExportOptions:
    """What to write, of which rows. See `COLUMNS` and `LONG_ROWS` for the choices."""

    columns: str = "text"
    """Shape of a row, one of `COLUMNS`."""
    template: str | None = None
    """Needed for text and ids, possible for prompt-completion; the other shapes are not rendered."""
    tokenizer: str | None = None
    """Model whose special tokens are written (needed for ids); None: the literal tokens of the format."""
    specials: bool = True
    """Write the begin and end token of the whole text. Without them it suits a tokenizer that adds its own."""
    escape: bool = False
    """Write marks of the format inside messages so that nothing takes them for marks, and refuse fewer rows."""
    unroll: bool = False
    """Make one row of each answer, with its question and the system prompt only."""
    split: str | None = None
    """Rows of this split only; None: of all."""
    split_files: bool = False
    """A folder with a file for each split and a dataset card, not one file."""
    max_length: int | None = None
    """Longest row in tokens, for ids; None: rows as long as they are."""
    long_rows: str = "drop"
    """What becomes of rows that are longer, one of `LONG_ROWS`."""
    train_on_prompt: bool = False
    """Labels of ids on all text, not on the answers only."""
    keep_good: bool = False
    """Leave out and count rows that cannot be carried; otherwise the first one ends the export."""
    licence: str | None = None
    """Licence that the dataset card names, such as mit or cc-by-4.0; None: unknown."""

    @property
    def renders(self) -> bool:
        """Whether a template has a say in the rows."""
        return self.columns in ("text", "ids") or (self.columns == "prompt-completion" and self.template is not None)

    def check(self) -> ExportOptions:
        """Return itself.

        Raises:
            BadSettings: all faults at once.
        """
        faults = dict(self._faults())
        if faults:
            raise BadSettings(faults)
        return self

    def resolved(self) -> ExportOptions:
        """With the version of a saved template that there is now, such as `mine@2` for `mine`, where it has a say.

        Raises:
            NotFound: no such template.
        """
        if not self.template or not self.renders:
            return self
        return replace(self, template=get_template(self.template).name)

    def _faults(self) -> list[tuple[str, str]]:
        found = [
            (self.columns not in COLUMNS, "columns", f"{self.columns!r} is not one of {', '.join(COLUMNS)}"),
            (self.renders and not self.template, "template", f"{self.columns} is rendered, so it needs one"),
            (self.columns == "ids" and not self.tokenizer, "tokenizer", "ids are those of a model, so name one"),
            (self.long_rows not in LONG_ROWS, "long_rows", f"{self.long_rows!r} is not one of {', '.join(LONG_ROWS)}"),
            (self.max_length is not None and self.columns != "ids", "max_length", "only ids have a length in tokens"),
            (self.max_length is not None and self.max_length < 1, "max_length", "it must be above 0"),
        ]
        return [(name, fault) for wrong, name, fault in found if wrong]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> ExportOptions:
        """The inverse of `to_dict`; what is missing has its default.

        Raises:
            BadInput: a name that is none of the options.
        """
        unknown = value.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise BadInput(f"There is no export option {sorted(unknown)[0]!r}.", "Leave it out.")
        return cls(**value)


def ending(name: str) -> str:
    """A format as people write it (`jsonl`, `.jsonl`, `FILE.jsonl`) as its ending, such as `.jsonl`.

    Raises:
        BadInput: no known one.
    """
    found = Path(name).suffix or f".{name.removeprefix('.')}"
    if found.lower() not in FORMATS:
        raise BadInput(
            f"{name} has an ending that is not known.",
            f"Use one of {', '.join(FORMATS)}; for a folder, end its name with a slash.",
        )
    return found.lower()
