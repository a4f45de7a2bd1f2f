"""New splits for the rows of a working copy, by a rule: one step of its journal, which undo takes back."""

from __future__ import annotations

import pyarrow as pa

from lib.data.columns import ROW_ID, SPLIT
from lib.data.datasets import DatasetInfo
from lib.data.edits import Entry, WorkingCopy, open_copy
from lib.data.edits.bulk import set_splits
from lib.data.edits.conversations import rows_with
from lib.data.edits.overlay import DELETED
from lib.data.splits.rules import Assigned, SplitRule, assign
from lib.errors import BadInput
from lib.progress import Progress
from lib.words import shares


def split(
    info: DatasetInfo, rule: SplitRule, who: str, progress: Progress | None = None
) -> tuple[Assigned, Entry | None]:
    """Deal the rows; the entry is None where every row was in its split already.

    Raises:
        BadInput: the rule names a column that is not there.
        WrongState: the edits of this version were saved already, or others keep changing many rows.
    """
    copy = open_copy(info)
    wanted = [name for name in (rule.column, rule.together) if name]
    for name in wanted:
        if name not in {column.name for column in copy.columns}:
            raise BadInput(f"{info.ref} has no column {name!r}.", "Choose one of its columns.")
    told = (lambda done, _: progress(done, info.rows)) if progress else None
    assigned = assign(rows_with(copy, wanted), rule, told)
    ids, names = zip(*assigned.items(), strict=True) if len(assigned) else ((), ())
    table = pa.table({ROW_ID: pa.array(ids, pa.int64()), SPLIT: pa.array(names, pa.string())})
    what = f"split anew: {shares(assigned.shares())}"
    return assigned, set_splits(info, table, who, what, {"rule": rule.to_dict()})


def counts(copy: WorkingCopy) -> dict[str, int]:
    """Rows of each split as they are now, deleted ones left out."""
    with copy.connect() as connection:
        found = connection.execute(f"SELECT {SPLIT}, count(*) FROM rows WHERE NOT {DELETED} GROUP BY ALL").fetchall()
    return dict(found)
