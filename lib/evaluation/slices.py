"""Groups of a comparison's rows, each with its own difference and interval: by column, tag, length or cluster.

ways(3)                                       # {"prompt length": "length of the prompt", ".source": "source", …}
slices(3, ".source", "chrf", "gentle-otter")  # largest first, corrected for how many there are
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from lib.errors import BadInput
from lib.evaluation import comparisons
from lib.evaluation.clusters import clusters
from lib.evaluation.comparing import files
from lib.evaluation.comparing.rows import dataset_rows
from lib.evaluation.comparing.view import ComparisonView
from lib.evaluation.metrics import take
from lib.evaluation.statistics import SliceDifference, compare_slices

BANDS = 4
MOST_VALUES = 50  # of a column: more are no groups
LONGEST_LABEL = 80  # characters
COLUMN = "."
FIXED = {
    "prompt length": "length of the prompt",
    "reference length": "length of the reference",
    "cluster": "what is asked (clusters of words)",
    "tag": "tag",
}
Labels = dict[int, tuple[str, ...]]
"""Row id -> the groups that it is in."""


def ways(comparison_id: int) -> dict[str, str]:
    """The groupings there are, with their words: those with two groups at least. Columns of the dataset as `.name`.

    Raises:
        NotFound: no comparison of that number.
    """
    view = comparisons.get(comparison_id)
    if not files.has_outputs(comparison_id):
        return {}
    fixed = {key: words for key, words in FIXED.items() if _several(labels(comparison_id, key))}
    rows = _dataset(view)
    names = dict.fromkeys(name for row in rows.values() for name in row.values if not name.startswith("_"))
    most = min(MOST_VALUES, max(len(rows) // 2, 2))
    columns = {}
    for name in names:
        different = {_label(row.values.get(name)) for row in rows.values()}
        if 2 <= len(different) <= most:
            columns[COLUMN + name] = name
    return fixed | columns


def labels(comparison_id: int, by: str) -> Labels:
    """The groups of each row; rows of none are left out.

    Raises:
        NotFound: no comparison of that number.
        BadInput: no such grouping.
    """
    view = comparisons.get(comparison_id)
    if by.startswith(COLUMN):
        name = by.removeprefix(COLUMN)
        rows = _dataset(view)
        if not any(name in row.values for row in rows.values()):
            raise BadInput(f"{view.asked} has no column {name!r:.60}.", "Group by another.")
        return {row_id: (_label(row.values.get(name)),) for row_id, row in rows.items()}
    if by not in _WAYS:
        raise BadInput(f"Rows cannot be grouped by {by!r:.60}.", f"Use one of: {', '.join(FIXED)}, or .column.")
    return _WAYS[by](view)


def slices(
    comparison_id: int, by: str, metric: str, tuned: str, base: str | None = None, seed: int = 0
) -> list[SliceDifference]:
    """Tuned against base within each group, largest first; rows that leaked are left out.

    A row with several tags counts in each of their groups.

    Raises:
        NotFound: no such comparison, side or metric.
        BadInput: no such grouping.
    """
    view = comparisons.get(comparison_id)
    row_ids, before = comparisons.scores(view, metric, base or view.sides[0])
    _, after = comparisons.scores(view, metric, tuned)
    groups = labels(comparison_id, by)
    places = [(place, label) for place, row in enumerate(row_ids) for label in groups.get(row, ())]
    positions, of = [place for place, _ in places], [label for _, label in places]
    spec = view.metrics[metric]
    return compare_slices(spec, take(spec, before, positions), take(spec, after, positions), of, seed)


def bands(lengths: Mapping[int, int], unit: str = "tokens", most: int = BANDS) -> Labels:
    """Groups of like length with about as many rows each: `up to 12 tokens`, `13 to 40 tokens`, `from 41 tokens`."""
    if not lengths:
        return {}
    values = np.array(list(lengths.values()))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, most + 1)[1:-1], method="lower"))
    edges = edges[edges < values.max()]
    words = _band_words([int(edge) for edge in edges], unit)
    return {row: (words[int(np.searchsorted(edges, length))],) for row, length in lengths.items()}


def _band_words(edges: Sequence[int], unit: str) -> list[str]:
    if not edges:
        return [f"all lengths ({unit})"]
    middle = [f"{low + 1:,} to {high:,} {unit}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]:,} {unit}", *middle, f"from {edges[-1] + 1:,} {unit}"]


def _lengths(view: ComparisonView, kind: str) -> Labels:
    """Bands of the tokens of the first side."""
    column = f"{kind}|{view.sides[0]}"
    found = files.columns(view.id, ["row_id", column])
    counts = dict(zip(found["row_id"], found.get(column, []), strict=False))
    return bands({row: count for row, count in counts.items() if count})


def _clusters(view: ComparisonView) -> Labels:
    found = files.columns(view.id, ["row_id", "prompt"])
    names = clusters(found["prompt"])
    return {row: (name,) for row, name in zip(found["row_id"], names, strict=True)}


def _tags(view: ComparisonView) -> Labels:
    return {row_id: tuple(row.state.tags) for row_id, row in _dataset(view).items() if row.state.tags}


_WAYS: dict[str, Callable[[ComparisonView], Labels]] = {
    "prompt length": lambda view: _lengths(view, "prompt_tokens"),
    "reference length": lambda view: _lengths(view, "ref_tokens"),
    "cluster": _clusters,
    "tag": _tags,
}


def _dataset(view: ComparisonView) -> Mapping[int, Any]:
    return dataset_rows(view, files.columns(view.id, ["row_id"])["row_id"])


def _several(groups: Labels) -> bool:
    return len({label for some in groups.values() for label in some}) > 1


def _label(value: Any) -> str:
    text = "(none)" if value is None or value == "" else " ".join(str(value).split())
    return text if len(text) <= LONGEST_LABEL else f"{text[:LONGEST_LABEL]} …"
