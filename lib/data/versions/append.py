"""Rows that somebody adds to a dataset become its next version, which goes on with the edits of the one before.

info, (row_id,) = append("support-desk", [conversation], "kept from the playground", "ada")
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lib import storage
from lib.data.columns import NOTE, ROW_ID, SPLIT, STATUS, TAGS, Column, encode
from lib.data.datasets import ROWS, DatasetInfo, DatasetRef, get, page, versions
from lib.data.edits import RowState, open_copy
from lib.data.edits.working import WorkingCopy
from lib.data.mapping.messages import ROLE_KEYS, TEXT_KEYS, decoded_list, is_messages
from lib.data.mapping.writing import write_conversation
from lib.data.splits.hashed import SPLITS
from lib.data.versions.content import GROUP_ROWS, ContentHash, open_writer, schema
from lib.data.versions.making import check_message, folder_of, latest, until_made, write_manifest
from lib.database import note as note_activity
from lib.errors import CannotCarry
from lib.records import Conversation

EXAMPLES = 50  # rows that are tried as the form in which a new one is written


PLAIN = RowState()


def append(
    name: str, conversations: Sequence[Conversation], message: str, user: str, state: RowState = PLAIN
) -> tuple[DatasetInfo, list[int]]:
    """Add rows behind those of a dataset's latest version; returns the new version and the ids of the rows.

    They are written in the columns that the dataset has; columns without a part in the conversation stay empty.
    Unsaved edits of the latest version go on in the new one. `state`: split, status, tags and note of the new rows.

    Raises:
        NotFound: no such dataset.
        CannotCarry: its columns have no place for such a conversation.
        BadInput: no message, one that is too long, or a state that cannot be stored.
        StorageError: disk full, or the rows cannot be read.
    """
    text, state = check_message(message), state.changed(tags=state.tags)
    ids: list[int] = []

    def make() -> DatasetInfo:
        made, ids[:] = _append(get(name), conversations, text, user, state)
        return made

    info = until_made(name, make)
    open_copy(info)  # takes over the edits
    note_activity(user, f"added {len(ids)} to {info.ref}: {text}", f"curate?dataset={info.ref}")
    return info, ids


def _append(
    base: DatasetInfo, conversations: Sequence[Conversation], message: str, user: str, state: RowState
) -> tuple[DatasetInfo, list[int]]:
    copy = WorkingCopy(base)
    written = [_values(copy, conversation) for conversation in conversations]
    used = {name for values in written for name in values}
    added = {role: column for role, column in copy.addable.items() if column.name in used}
    columns = (*base.columns, *added.values())
    mapping = type(base.mapping)({**base.mapping.columns, **{role: column.name for role, column in added.items()}})
    first = 1 + max(_last_id(info) for info in versions(base.name))
    ids = list(range(first, first + len(written)))
    version = latest(base.name) + 1
    digest = ContentHash(columns, mapping)
    with folder_of(base.name, version) as folder:
        path = folder / ROWS
        with storage.disk_errors(path), pq.ParquetFile(base.rows_file) as old, open_writer(path, columns) as new:
            for batch in old.iter_batches(GROUP_ROWS):
                rows = _fitted(pa.Table.from_batches([batch]), columns)
                digest.update(rows)
                new.write_table(rows, row_group_size=GROUP_ROWS)
            rows = _table(written, ids, columns, state)
            digest.update(rows)
            new.write_table(rows)
        _sync(path)
        recipe = {"kind": "rows", "base": base.version, "seq": 0, "message": message, "rows": len(ids)}
        counts = {**base.splits, state.split: base.splits.get(state.split, 0) + len(ids)}
        write_manifest(
            folder,
            base,
            recipe,
            user,
            version=version,
            parent=base.version,
            rows=base.rows + len(ids),
            columns=columns,
            mapping=mapping,
            splits={name: counts[name] for name in SPLITS if counts.get(name)},
            hash=digest.hexdigest(),
        )
    return get(DatasetRef(base.name, version)), ids


def _values(copy: WorkingCopy, conversation: Conversation) -> dict[str, Any]:
    """Values of a new row's columns, in the form of the first row that such a conversation can be written like.

    Raises:
        CannotCarry: there is none.
    """
    refusal = CannotCarry(f"{copy.info.ref} has no rows to write a new one like.", "Choose another dataset.")
    read = {column for role, column in copy.full_mapping.columns.items() if role not in ("rejected", "split")}
    for row in page(copy.info, limit=EXAMPLES).rows:
        example = {name: _bare(value) for name, value in row.items() if name in read}
        try:
            changed = write_conversation(conversation, example, copy.full_mapping, copy.full_columns)
        except CannotCarry as error:
            refusal = error
            continue
        return {name: value for name, value in {**example, **changed}.items() if value is not None}
    raise refusal


def _bare(value: Any) -> Any:
    """A list of messages without what else is said of each: that belongs to the row it is from."""
    items = decoded_list(value)
    if not isinstance(value, list) or not is_messages(items):
        return value
    return [{key: item[key] for key in item if key in (*ROLE_KEYS, *TEXT_KEYS)} for item in items]


def _fitted(rows: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Stored rows in the layout of the new version."""
    have = set(rows.column_names)
    empty = {STATUS: "pending", TAGS: [], NOTE: ""}
    fields = [
        rows.column(field.name).cast(field.type)
        if field.name in have
        else pa.array([empty.get(field.name)] * rows.num_rows, field.type)
        for field in schema(columns)
    ]
    return pa.Table.from_arrays(fields, schema=schema(columns))


def _table(written: Sequence[dict[str, Any]], ids: list[int], columns: Sequence[Column], state: RowState) -> pa.Table:
    values: dict[str, Sequence[Any]] = {
        column.name: encode([row.get(column.name) for row in written], column.kind) for column in columns
    }
    fixed = {SPLIT: state.split, STATUS: state.status, TAGS: list(state.tags), NOTE: state.note}
    values |= {ROW_ID: ids, **{name: [value] * len(ids) for name, value in fixed.items()}}
    return pa.Table.from_pydict({name: values[name] for name in schema(columns).names}, schema=schema(columns))


def _last_id(info: DatasetInfo) -> int:
    """Ids are never used twice in a dataset: what was said of a row that is gone is not said of a new one."""
    metadata = pq.read_metadata(info.rows_file)
    place = metadata.schema.names.index(ROW_ID)
    groups = (metadata.row_group(number).column(place).statistics for number in range(metadata.num_row_groups))
    return max((int(group.max) for group in groups), default=0)


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        storage.sync(written)
