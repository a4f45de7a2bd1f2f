"""comparisons, comparison: the history of what was compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from lib.errors import BadInput
from lib.evaluation import comparisons as store
from lib.evaluation import examples, history
from lib.evaluation import slices as groups
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.examples import Filters, Order
from lib.evaluation.metrics import DEFAULT_METRICS
from lib.evaluation.reference import measured_against
from lib.settings import settings
from lib.words import clock, counted
from studio.commands.compare import Export, check_export, show, write_export
from studio.commands.output import AsJson, emit, progress_line, say, table

NOT_IN_EXAMPLE = ("nats|", "prompt_tokens|", "ref_tokens|")


def register(app: typer.Typer) -> None:
    app.command("comparisons")(comparisons)
    app.command("comparison")(comparison)


def comparisons(json: AsJson = False) -> None:
    """List the comparisons, newest first."""
    views = store.list_comparisons()
    if json:
        emit({"comparisons": [view.to_dict() for view in views]})
        return
    table(
        ["comparison", "status", "asked", "sides", "rows", "by", "when", "note"],
        [
            [
                view.id,
                view.status,
                view.asked,
                ", ".join(view.sides),
                view.result.get("rows", ""),
                view.created_by,
                clock(view.created_at),
                view.note.partition("\n")[0][:60],
            ]
            for view in views
        ],
    )


def comparison(
    number: Annotated[int, typer.Argument(help="Number of the comparison.", metavar="ID")],
    slices: Annotated[str | None, typer.Option(help="Differences by groups: 'prompt length', tag, .COLUMN …")] = None,
    worst: Annotated[int | None, typer.Option(help="So many questions, those that got worse first.", min=1)] = None,
    metric: Annotated[str | None, typer.Option(help="What --slices and --worst go by.")] = None,
    side: Annotated[str | None, typer.Option(help="Who --slices and --worst look at.")] = None,
    base: Annotated[str | None, typer.Option(help="Who the others are measured against: the base, or a run.")] = None,
    against: Annotated[int | None, typer.Option(help="Another comparison, on the questions of both.")] = None,
    note: Annotated[str | None, typer.Option(help="What people should know of it; '' removes it.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it with its answers.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Really.")] = False,
    export: Export = None,
    json: AsJson = False,
) -> None:
    """Show a comparison again: figures, groups, examples, against another; export it, note on it, delete it."""
    _check(
        {"--slices": slices, "--worst": worst, "--against": against, "--note": note, "--delete": delete or None}, export
    )
    if (metric or side) and slices is None and worst is None:
        raise BadInput("--metric and --side say what --slices and --worst go by.", "Give one of those too.")
    view = store.get(number)
    if delete:
        _delete(view, yes, json)
        return
    if note is not None:
        view = history.set_note(number, note, settings.user)
    if export is not None:
        write_export(number, export, base or "")
    if base is not None:
        view = measured_against(view, base)
    if slices is not None:
        _slices(view, slices, *_looked_at(view, metric, side), json)
    elif worst is not None:
        _worst(view, worst, *_looked_at(view, metric, side), json)
    elif against is not None:
        _against(number, against, json)
    elif json:
        emit(view.to_dict())
    else:
        _show(view)


def _check(asked: dict[str, Any], export: Path | None) -> None:
    """Raises:
    BadInput: options that do not go together, or a file of no kind that can be written.
    """
    given = [name for name, value in asked.items() if value is not None]
    if len(given) > 1:
        raise BadInput(f"{' and '.join(given)} do different things.", "Give one of them.")
    if export is not None:
        if asked["--delete"]:
            raise BadInput("--export and --delete do different things.", "Export first.")
        check_export(export)


def _looked_at(view: ComparisonView, metric: str | None, side: str | None) -> tuple[str, str]:
    """Metric and side that are named, or the first of each."""
    known = list(view.metrics) or list(DEFAULT_METRICS)
    return metric or known[0], side or (view.sides[1] if len(view.sides) > 1 else "")


def _delete(view: ComparisonView, yes: bool, json: bool) -> None:
    if not yes:
        told = f"This removes comparison {view.id} on {view.asked} and its answers for good."
        raise BadInput(told, "Add --yes if that is meant.")
    history.delete(view.id, settings.user)
    emit({"deleted": view.id}) if json else print(f"Comparison {view.id} is removed.")


def _show(view: ComparisonView) -> None:
    when = clock(view.created_at)
    print(f"comparison {view.id}: {view.status} · {view.asked} · {when} by {view.created_by}")
    if view.note:
        print(view.note)
    if view.job.live:
        print(progress_line(view.job))
    if view.job.error:
        print(f"{view.job.error['message']} {view.job.error.get('hint', '')}".rstrip())
    if view.resumable:
        print(f"It can go on: python -m studio compare --resume {view.id}")
    if view.result:
        show(view)


def _slices(view: ComparisonView, by: str, metric: str, tuned: str, json: bool) -> None:
    found = groups.slices(view.id, by, metric, tuned, view.sides[0])
    if json:
        names = {"comparison": view.id, "by": by, "metric": metric, "base": view.sides[0], "tuned": tuned}
        emit({**names, "slices": [one.to_dict() for one in found]})
        return
    table(["group", "rows", "verdict"], [[one.label, one.rows, one.sentence] for one in found])


def _worst(view: ComparisonView, limit: int, metric: str, tuned: str, json: bool) -> None:
    base = view.sides[0]
    lost = Filters(outcome="lost", metric=metric, tuned=tuned, base=base)
    page = examples.examples(view.id, Order("worst", metric, tuned, base), lost, limit)
    rows = [{key: row[key] for key in row if not key.startswith(NOT_IN_EXAMPLE)} for row in page.rows]
    if json:
        names = {"comparison": view.id, "metric": metric, "base": view.sides[0], "tuned": tuned, "lost": page.total}
        emit({**names, "examples": rows})
        return
    say(f"{tuned} lost {counted(page.total, 'question')} by {view.metrics[metric].label}")
    for row in rows:
        _example(row, (view.sides[0], tuned), metric)


def _example(row: dict[str, Any], sides: Sequence[str], metric: str) -> None:
    print(f"\n--- row {row['row_id']}{' (leaked)' if row.get('leaked') else ''}\n{row['prompt']}")
    if row.get("reference"):
        print(f"reference: {row['reference']}")
    for side in sides:
        value = row.get(f"{metric}|{side}")
        print(f"{side} ({'–' if value is None else f'{value:.4g}'}): {row[f'text|{side}']}")


def _against(one: int, other: int, json: bool) -> None:
    found = history.against(one, other)
    if json:
        emit(found.to_dict())
        return
    print(
        f"{counted(found.both, 'question')} in both, {found.only_a:,} only in {one}, {found.only_b:,} only in {other}"
    )
    for key, (left, right) in found.settings.items():
        print(f"{key}: {left} -> {right}")
    for pair in found.pairs:
        print(f"{pair['b']} of {other} against {pair['a']} of {one}: {pair['sentence']}")
