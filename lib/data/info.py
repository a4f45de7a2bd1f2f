"""One version of a dataset as its manifest describes it, and how it is referred to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lib import storage
from lib.data.columns import Column
from lib.data.imports import refusals
from lib.data.mapping.roles import Mapping
from lib.errors import BadInput, StorageError

ROWS = "rows.parquet"
REFUSED = "refused.jsonl"
_REFERENCE = re.compile(r"(?P<name>[^@]+)(?:@v?(?P<version>\d{1,9}))?")


@dataclass(frozen=True)
class DatasetRef:
    """`name`, or `name@3` for one version of it."""

    name: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> DatasetRef:
        """Read `name` or `name@version`.

        Raises:
            BadInput: neither.
        """
        found = _REFERENCE.fullmatch(text.strip())
        if not found:
            raise BadInput(f"{text!r} names no dataset.", "Write its name, or name@3 for one version.")
        return cls(
            storage.check_name(found["name"], "dataset name"), int(found["version"]) if found["version"] else None
        )

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


@dataclass(frozen=True)
class DatasetInfo:
    """One version, as its manifest has it. `splits` maps a split to its rows, `refused` counts rows left out."""

    name: str
    version: int
    rows: int
    refused: int
    splits: dict[str, int]
    columns: tuple[Column, ...]
    mapping: Mapping
    label: str
    notes: tuple[str, ...]
    hash: str
    parent: int | None
    source: str
    recipe: dict[str, Any]
    created_at: str
    user: str
    path: Path

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def from_manifest(cls, folder: Path) -> DatasetInfo:
        """Read a version's folder.

        Raises:
            StorageError: the manifest is missing or damaged.
        """
        value = storage.read_json(folder / storage.MANIFEST)
        try:
            columns = tuple(Column(column["name"], column["kind"]) for column in value["columns"])
            known = {field.name: value[field.name] for field in fields(cls) if field.name in value}
            special = {"columns": columns, "mapping": Mapping.from_dict(value["mapping"]), "path": folder}
            return cls(**{**known, **special, "notes": tuple(value["notes"])})
        except (KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{folder / storage.MANIFEST} is damaged.", "Restore it or delete its folder."
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """The manifest, and the folder as `path`."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        columns = [column.to_dict() for column in self.columns]
        special = {"columns": columns, "mapping": self.mapping.to_dict(), "path": str(self.path)}
        return {**plain, **special, "notes": list(self.notes)}

    @property
    def rows_file(self) -> Path:
        return self.path / ROWS

    def refusals(self) -> Iterator[dict[str, Any]]:
        """Rows that were left out on import, `{"row", "reason", "text"}` each, one by one: there may be millions."""
        return refusals.read(self.path / REFUSED)
