"""package, adopt: a run in a form that others can load, and what others made as a run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lib import packaging
from lib.packaging.packages import DTYPES, KINDS
from lib.settings import settings
from lib.training.adopt import adopt as take_in
from lib.training.config import QUANTIZATIONS
from studio.commands.output import STOPPED_STATUS, AsJson, emit, follow, say


def register(app: typer.Typer) -> None:
    app.command("package")(package)
    app.command("adopt")(adopt)


def package(
    run: Annotated[str, typer.Argument(help="Run id.")],
    as_: Annotated[str, typer.Option("--as", help=f"One of {', '.join(KINDS)}.")] = "adapter",
    out: Annotated[str, typer.Option(help="New folder to write; the run's own without it.")] = "",
    dtype: Annotated[str, typer.Option(help=f"Precision of a merged model: {', '.join(DTYPES)}.")] = "auto",
    licence: Annotated[str, typer.Option(help="Licence that the card names, such as apache-2.0.")] = "",
    push: Annotated[str, typer.Option(help="Model on the Hub to push it to: owner/name.")] = "",
    public: Annotated[bool, typer.Option("--public", help="Let everybody read what is pushed.")] = False,
    json: AsJson = False,
) -> None:
    """Package a run: its adapter, or base and adapter merged and compared with the adapter before it is done."""
    job = follow(packaging.submit(run, as_, settings.user, out, dtype, licence, push, public))
    if job.result is None:
        emit({"run": run, "status": job.status}) if json else print(f"{run}: {job.status}")
        raise typer.Exit(STOPPED_STATUS)
    result: dict[str, Any] = job.result
    if json:
        emit(result)
        return
    size = f"{result['bytes'] / 1e6:,.1f} MB"
    print(f"{result['run']} as {result['kind']}: {size} in {result['out']}")
    if result["pushed"]:
        print(f"pushed to {result['pushed']}")
    if result.get("parity"):
        print(result["parity"]["sentence"])
    for line in result["notes"]:
        print(f"note: {line}")
    for what, command in result["commands"].items():
        print(f"{what}: {command}")


def adopt(
    source: Annotated[str, typer.Argument(help="Folder that peft wrote, or the id of an adapter on the Hub.")],
    name: Annotated[str, typer.Option(help="Id of the run that it becomes.")],
    model: Annotated[str, typer.Option(help="Base that it was trained on: starter, a folder, or a Hub id.")],
    template: Annotated[str, typer.Option(help="Template that it was trained in.")] = "",
    quantization: Annotated[
        str | None, typer.Option(help=f"How its base was held: {', '.join(QUANTIZATIONS)}.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Take an adapter that was made elsewhere in as a finished run, to chat with, compare and package."""
    say(f"looking at {source} …")
    view = take_in(source, name, model, template, settings.user, quantization)
    emit(view.to_dict()) if json else print(f"{view.id}: {view.status} · {view.model} · {view.template}")
