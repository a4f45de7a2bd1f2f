"""split, leakage."""

from __future__ import annotations

from typing import Annotated

import typer

from lib.data import datasets as store
from lib.data.splits.dealing import split as deal
from lib.data.splits.leakage_job import compare
from lib.data.splits.rules import SplitRule
from lib.errors import BadInput
from lib.settings import settings
from lib.words import counted
from lib.words import shares as in_words
from studio.commands.output import AsJson, emit, progress, table

NEAR = "Share of words from which rows are near-duplicates"


def register(app: typer.Typer) -> None:
    app.command("split")(split)
    app.command("leakage")(leakage)


def split(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    share: Annotated[
        list[str] | None, typer.Option(help="split=part of all rows, such as test=0.1; the rest is train. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed deals the rows otherwise.")] = 0,
    column: Annotated[str, typer.Option(help="Take the split from a column: its values are split names.")] = "",
    together: Annotated[str, typer.Option(help="Rows with the same value in this column stay on one side.")] = "",
    near: Annotated[float, typer.Option(help=f"{NEAR}; 0: do not look.")] = 0.8,
    json: AsJson = False,
) -> None:
    """Deal the rows to splits so that none leaks, as an unsaved edit: look at it, then `save`."""
    info = store.get(name)
    rule = SplitRule(
        "column" if column else "shares",
        _shares(share or ["train=0.9", "test=0.1"]),
        seed,
        column,
        {spelled: spelled for spelled in ("train", "validation", "test")},
        together=together,
        near=near or None,
    )
    assigned, entry = deal(info, rule, settings.user, progress("rows read", info.rows))
    changed = entry.rows if entry else 0
    if json:
        emit({"data": info.ref, **assigned.to_dict(), "changed": changed})
        return
    print(f"{info.ref}: {in_words(assigned.shares())}; {counted(changed, 'row')} moved, not saved yet")
    for note in assigned.notes:
        print(f"note: {note}")


def leakage(
    left: Annotated[str, typer.Argument(help="dataset or dataset:split that is learned from")],
    right: Annotated[str, typer.Argument(help="dataset or dataset:split that is tested on")],
    near: Annotated[float, typer.Option(help=f"{NEAR}, 0.5 to 1.")] = 0.8,
    json: AsJson = False,
) -> None:
    """Find rows of one side that give away rows of the other."""
    found = compare(left, right, near, progress("rows read"))
    if json:
        emit(found.to_dict())
        return
    shares = found.shares()
    print(f"{counted(len(found.right_ids), 'row')} of {right} ({shares['right']:.1%}) have a fellow in {left}")
    table(
        ["kind", f"rows of {left}", f"rows of {right}"],
        [[kind, f"{count['left']:,}", f"{count['right']:,}"] for kind, count in found.counts().items()],
    )


def _shares(pairs: list[str]) -> dict[str, float]:
    """Raises:
    BadInput: not split=number.
    """
    found = {}
    for pair in pairs:
        name, _, part = pair.partition("=")
        try:
            found[name] = float(part)
        except ValueError as error:
            raise BadInput(f"{pair!r} is not a share.", "Write split=part, such as test=0.1.") from error
    if "train" not in found and (rest := 1 - sum(found.values())) > 0:
        found["train"] = rest
    return found
