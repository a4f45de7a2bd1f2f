"""Datasets to export, and exported files read by libraries that are not ours."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.data.imports.importer import import_source
from lib.records import Conversation
from tests.helpers import write_lines

_numbers = itertools.count()


def dataset(folder: Path, rows: Sequence[dict[str, Any]], test_fraction: float = 0) -> DatasetInfo:
    """These rows as a dataset of its own."""
    name = f"rows-{next(_numbers)}"
    import_source(str(write_lines(folder / f"{name}.jsonl", list(rows))), name, test_fraction=test_fraction)
    return datasets.get(name)


def columns_of(conversation: Conversation) -> dict[str, str]:
    """One question and its answer, with or without a system message, as a row of plain columns."""
    by_role = {message.role: message for message in conversation.messages}
    system, user = by_role.get("system"), by_role["user"]
    row = {"instruction": user.content, "input": user.context, "output": by_role["assistant"].content}
    return {**row, "system": system.content if system else ""}


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; lists in CSV cells are JSON."""
    match path.suffix:
        case ".jsonl":
            return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        case ".json":
            return list(json.loads(path.read_text(encoding="utf-8")))
        case ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
    return list(pq.read_table(path).to_pylist())


def texts(path: Path) -> list[str]:
    return [row["text"] for row in read(path)]
