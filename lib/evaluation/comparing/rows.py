"""The dataset's rows behind a comparison's questions, as they are now: their columns and tags."""

from __future__ import annotations

from collections.abc import Sequence

from lib.data import datasets
from lib.data.filters import Query
from lib.data.table import Table, TableRow
from lib.data.versions.review import present
from lib.errors import StudioError
from lib.evaluation.comparing.view import ComparisonView


def dataset_rows(view: ComparisonView, row_ids: Sequence[int]) -> dict[int, TableRow]:
    """Rows by id, unsaved edits counted; none of a prompt set, or where the dataset is gone."""
    if not view.data_ref or not row_ids:
        return {}
    try:
        info = datasets.get(view.data_ref)
        return {row.row_id: row for row in Table(present(info), Query()).rows(list(row_ids))}
    except StudioError:  # the answers can be read all the same
        return {}
