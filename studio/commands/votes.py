"""votes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lib.evaluation import votes as store
from lib.evaluation.votes import EXPORTS, BallotView, Results
from lib.words import counted
from studio.commands.output import AsJson, emit, table


def register(app: typer.Typer) -> None:
    app.command("votes")(votes)


def votes(
    ballot: Annotated[str | None, typer.Argument(help="Id of a ballot; without one all are listed.")] = None,
    export: Annotated[str | None, typer.Option(help=f"One of {', '.join(EXPORTS)}; closed ballots only.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the export.")] = None,
    json: AsJson = False,
) -> None:
    """List the ballots of blind votes, show how far one is or how it ended, or export its votes or preference pairs."""
    if (export is None) != (out is None):
        raise typer.BadParameter("--export and --out go together.")
    if ballot is None:
        if export:
            raise typer.BadParameter("Name the ballot to export.")
        _list(store.list_ballots(), json)
    elif export is not None and out is not None:
        lines = store.write(ballot, export, out)
        _say(
            json,
            {"ballot": ballot, "export": export, "out": str(out), "lines": lines},
            f"{counted(lines, 'line')} written to {out}",
        )
    else:
        _show(store.get(ballot), json)


def _list(ballots: list[BallotView], json: bool) -> None:
    if json:
        emit({"ballots": [_document(ballot) for ballot in ballots]})
        return
    table(
        ["ballot", "comparison", "state", "pairs", "people", "by", "question"],
        [
            [one.id, one.comparison, _state(one), one.total, len(store.progress(one.id)), one.created_by, one.question]
            for one in ballots
        ],
    )


def _show(ballot: BallotView, json: bool) -> None:
    if ballot.open:
        if json:
            emit(_document(ballot))
            return
        print(f"{ballot.question} open, {counted(ballot.total, 'pair')}, on comparison {ballot.comparison}")
        table(
            ["person", "pairs", "skipped"],
            [
                [one.name, f"{one.votes - one.skipped} of {ballot.total}", one.skipped]
                for one in store.progress(ballot.id)
            ],
        )
        return
    found = store.results(ballot.id)
    _say(json, found.to_dict(), f"{_named(found, 'tuned')} against {_named(found, 'base')}: {found.sentence}")
    if not json:
        print(found.agreement.sentence)
        print(found.position.sentence)
        print(*found.basis, sep="\n")


def _named(found: Results, side: str) -> str:
    name = found.named(side)
    return f"{name} (base)" if name in found.bases else name


def _document(ballot: BallotView) -> dict[str, Any]:
    people = [{"name": one.name, "votes": one.votes, "skipped": one.skipped} for one in store.progress(ballot.id)]
    return {**ballot.to_dict(), "raters": people}


def _state(ballot: BallotView) -> str:
    return "open" if ballot.open else "closed"


def _say(json: bool, document: dict[str, Any], words: str) -> None:
    if json:
        emit(document)
    else:
        print(words)
