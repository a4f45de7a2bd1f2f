"""Folders that the library `datasets` wrote with `save_to_disk`: one data set, or several by split.

state.json           {"_data_files": [{"filename": "data-00000-of-00001.arrow"}, …]}
dataset_dict.json    {"splits": ["train", "test"]}, a folder as above for each
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.data.splits.hashed import SPELLINGS
from lib.errors import BadInput

STATE, SPLITS = "state.json", "dataset_dict.json"


@dataclass(frozen=True)
class DataFiles:
    """Arrow files in their order, each with the column that says in which split its rows are (or nothing)."""

    files: list[tuple[Path, dict[str, str]]]
    notes: list[str]


def is_saved(folder: Path) -> bool:
    return (folder / STATE).is_file() or (folder / SPLITS).is_file()


def data_files(folder: Path) -> DataFiles:
    """Which files hold the rows.

    Raises:
        BadInput: a file is missing, or the folder was written in a way that only `datasets` can read.
    """
    if not (folder / SPLITS).is_file():
        return DataFiles([(path, {}) for path in _arrow_files(folder)], [f"{folder.name} is a saved data set."])
    splits = _read(folder / SPLITS, "splits")
    notes = [f"{folder.name} is a saved data set with the splits {', '.join(splits)}."]
    strange = [split for split in splits if split.strip().lower() not in SPELLINGS]
    if strange:
        notes.append(f"Its split {', '.join(strange)} is none of train, validation and test: see column split_name.")
    column = "split_name" if strange else "split"
    return DataFiles([(path, {column: split}) for split in splits for path in _arrow_files(folder / split)], notes)


def _arrow_files(folder: Path) -> list[Path]:
    if _read(folder / STATE, "_indices_data_files", []):
        raise BadInput(
            f"{folder.name} keeps its rows and their order apart, as old versions of datasets did.",
            "Load it and save it again with a newer one, which writes the rows in order.",
        )
    paths = [folder / Path(entry["filename"]).name for entry in _read(folder / STATE, "_data_files")]
    for path in paths:
        if not path.is_file():
            raise BadInput(f"{path.name} of the saved data set {folder.name} is missing.", "Copy the whole folder.")
    return paths


def _read(path: Path, key: str, default: Any = None) -> Any:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return value[key] if default is None else value.get(key, default)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path.parent.name}/{path.name} cannot be read.", "Save the data set again.") from error


def add_columns(row: dict[str, Any], columns: dict[str, str]) -> None:
    """Put columns into a row, under a name of their own where it has such a column already."""
    for name, value in columns.items():
        row[f"_{name}" if name in row else name] = value
