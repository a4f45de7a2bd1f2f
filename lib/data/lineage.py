"""Where a version's content came from: the import it began with, and every step since, across branches."""

from __future__ import annotations

from lib.data.datasets import DatasetInfo, DatasetRef, get
from lib.errors import NotFound


def origin(info: DatasetInfo) -> DatasetRef | None:
    """The version that this one's rows were taken from; None for an import, whatever stood there before."""
    recipe = info.recipe
    if recipe.get("kind") in ("edits", "restore", "rows"):
        return DatasetRef(info.name, recipe["base"])
    return DatasetRef.parse(recipe["from"]) if recipe.get("kind") == "branch" else None


def lineage(info: DatasetInfo) -> list[DatasetInfo]:
    """From the first ancestor to this version. It begins later where an ancestor's dataset was removed."""
    steps = [info]
    while ref := origin(steps[0]):
        try:
            steps.insert(0, get(ref))
        except NotFound:
            break
    return steps
