"""versions, save, diff, restore, branch, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lib.data import datasets as store
from lib.data import versions as history
from lib.data.datasets import DatasetInfo
from lib.data.versions import RowDiff, VersionDiff
from lib.errors import BadInput
from lib.records import Conversation
from lib.settings import settings
from lib.words import clock, counted
from studio.commands.output import AsJson, emit, progress, say, splits_line, table

Message = Annotated[str, typer.Option(help="What is new in this version, in a few words.")]


def register(app: typer.Typer) -> None:
    for command in (versions, save, diff, restore, branch, delete):
        app.command(command.__name__)(command)


def versions(name: Annotated[str, typer.Argument(help="dataset")], json: AsJson = False) -> None:
    """List the versions of a dataset, oldest first, and what is not saved yet."""
    infos = store.versions(name)
    unsaved = {info.version: history.unsaved(info) for info in infos}
    if json:
        emit({"versions": [{**info.to_dict(), "unsaved": unsaved[info.version]} for info in infos]})
        return
    table(
        ["version", "rows", "splits", "from", "by", "when", "unsaved", "message"],
        [
            [
                info.version,
                f"{info.rows:,}",
                splits_line(info.splits),
                _origin(info),
                info.user,
                clock(info.created_at),
                unsaved[info.version] or "",
                info.recipe.get("message", ""),
            ]
            for info in infos
        ],
    )


def save(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")], message: Message, json: AsJson = False
) -> None:
    """Write the edits of a dataset as its next version."""
    info = history.save(store.get(name), message, settings.user, progress("rows saved"))
    if json:
        emit(info.to_dict())
        return
    edits, deleted = info.recipe["edits"], info.recipe["deleted"]
    changed = f"{counted(edits, 'row')} changed" + (f", {deleted:,} of them deleted" if deleted else "")
    print(f"{info.ref}: {counted(info.rows, 'row')}, {changed}")


def diff(
    left: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    right: Annotated[
        str | None, typer.Argument(help="The same of the other side; the unsaved edits if left out.")
    ] = None,
    kind: Annotated[str, typer.Option(help="Only: added, removed, changed, content, split, status, tags, note.")] = "",
    limit: Annotated[int, typer.Option(help="Rows to print.", min=0)] = 20,
    offset: Annotated[int, typer.Option(help="Differing rows to pass over.", min=0)] = 0,
    json: AsJson = False,
) -> None:
    """Show what differs between two versions, or between a version and its unsaved edits."""
    info = store.get(left)
    other = store.get(right) if right else history.present(info)
    found = history.diff(info, other)
    rows = found.rows(kind, limit, offset)
    if json:
        sides = {"left": info.ref, "right": found.right.info.ref, "unsaved": right is None}
        emit({**sides, **found.to_dict(), "differing": [_row(row) for row in rows]})
        return
    _print(found, rows)


def restore(
    name: Annotated[str, typer.Argument(help="dataset@version")],
    message: Message,
    discard: Annotated[
        bool, typer.Option("--discard", help="Leave unsaved edits of the latest version behind.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Make an old version the latest one again."""
    ref = store.DatasetRef.parse(name)
    if ref.version is None:
        raise BadInput("No version is named.", f"Name the one to restore, such as {ref.name}@1.")
    info = history.restore(ref.name, ref.version, message, settings.user, discard)
    emit(info.to_dict()) if json else print(f"{info.ref}: {counted(info.rows, 'row')}, as in {name}")


def branch(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    new: Annotated[str, typer.Argument(help="Name of the new dataset.")],
    json: AsJson = False,
) -> None:
    """Make a version the first one of a new dataset. Unsaved edits are not taken along."""
    base = store.get(name)
    info = history.branch(base.ref, new, settings.user)
    if edits := history.unsaved(base):
        say(f"{counted(edits, 'row')} with unsaved edits of {base.ref} not taken along.")
    emit(info.to_dict()) if json else print(f"{info.ref}: {counted(info.rows, 'row')}, from {base.ref}")


def delete(
    name: Annotated[str, typer.Argument(help="dataset")],
    yes: Annotated[bool, typer.Option("--yes", help="Really.")] = False,
    json: AsJson = False,
) -> None:
    """Remove a dataset: all its versions and edits, and what was found of it."""
    count = len(store.version_numbers(name))
    if count and not yes:
        raise BadInput(f"This removes {counted(count, 'version')} of {name} for good.", "Add --yes if that is meant.")
    history.remove(name, settings.user)
    emit({"deleted": name, "versions": count}) if json else print(f"{name} is removed.")


def _origin(info: DatasetInfo) -> str:
    ref = history.origin(info)
    return f"{info.recipe['kind']} of {ref}" if ref else info.source


def _row(row: RowDiff) -> dict[str, Any]:
    sides = {"before": row.before, "after": row.after}
    fields = {name: {"before": before, "after": after} for name, (before, after) in row.fields.items()}
    return {
        "row": row.row_id,
        "kind": row.kind,
        **{side: one.to_dict() if one else None for side, one in sides.items()},
        "fields": fields,
    }


def _print(found: VersionDiff, rows: list[RowDiff]) -> None:
    what = ", ".join(f"{name} {count:,}" for name, count in found.fields.items() if count)
    print(
        f"{found.added:,} added, {found.removed:,} removed, {found.changed:,} changed"
        + (f" ({what})" if what else "")
        + f", {found.unchanged:,} unchanged"
    )
    for words, names in (("new columns", found.columns_added), ("columns gone", found.columns_removed)):
        if names:
            print(f"{words}: {', '.join(names)}")
    if found.mapping_changed:
        print("The mapping of columns changed.")
    for row in rows:
        print(f"\n--- row {row.row_id} {row.kind}")
        for name, (before, after) in row.fields.items():
            print(f"{name}: {before!r} -> {after!r}")
        _print_texts("-", row.before, row.after)
        _print_texts("+", row.after, row.before)


def _print_texts(sign: str, shown: Conversation | None, other: Conversation | None) -> None:
    """Messages that are not on the other side at their place."""
    others = other.messages if other else ()
    for number, message in enumerate(shown.messages if shown else ()):
        if number >= len(others) or message != others[number]:
            context = f"\n[input] {message.context}" if message.context else ""
            for line in f"{message.role}: {message.content}{context}".splitlines():
                print(f"{sign} {line}")
