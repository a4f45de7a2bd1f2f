"""An answer that somebody wants to keep becomes a row of a dataset, of one there is or of a new one."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from lib.data import datasets, versions
from lib.data.datasets import DatasetInfo
from lib.data.edits import RowState
from lib.data.imports.importer import import_source
from lib.errors import BadInput
from lib.records import Conversation, Message
from lib.storage import check_name

TAG = "playground"


def as_row(
    dataset: str, question: Conversation, answer: str, split: str, origin: str, user: str
) -> tuple[DatasetInfo, int]:
    """Add a question with its answer to a dataset; returns the version that has it, and the row's id.

    Args:
        dataset: a name; where there is none of that name it is made.
        origin: what it is, in words, such as "an answer of gentle-otter"; stands in the row's note.

    Raises:
        BadInput: no answer, or a name that cannot be used.
        CannotCarry: the dataset's columns have no place for it.
        StorageError: disk full.
    """
    if not answer.strip():
        raise BadInput("There is no answer to keep.", "Write one.")
    whole = Conversation((*question.messages, Message("assistant", answer)))
    check_name(dataset, "dataset name")
    message = f"{origin} kept from the playground"
    if not datasets.version_numbers(dataset):
        return _new(dataset, whole, split, user), 1
    state = RowState(split=split, status="accepted", tags=(TAG,), note=f"{message} by {user}")
    info, (row_id,) = versions.append(dataset, [whole], message, user, state)
    return info, row_id


def _new(dataset: str, whole: Conversation, split: str, user: str) -> DatasetInfo:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{dataset}.jsonl"
        path.write_text(json.dumps({**whole.to_dict(), "split": split}) + "\n", encoding="utf-8")
        import_source(str(path), dataset, user=user, test_fraction=0)
    return datasets.get(dataset)
