"""train, runs, run, wait, stop, resume."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lib.database.models import STOPPED
from lib.errors import NotFound
from lib.jobs import queue, worker
from lib.settings import settings
from lib.training import runs as store
from lib.training.config import TrainConfig
from lib.training.facts import in_words
from lib.training.remedies import remedy
from lib.training.repeat import command_line
from lib.words import counted, duration, memory
from studio.commands.chosen import MODEL_HELP, PRESET_HELP, TEMPLATE_HELP, chosen_settings
from studio.commands.output import (
    STOPPED_STATUS,
    AsJson,
    JobFailed,
    emit,
    follow,
    progress_line,
    say,
    say_if_empty,
    table,
)

SAID = ("data", "model", "template", "command")  # facts of a run that `run` says in other lines


def register(app: typer.Typer) -> None:
    app.command("train")(train)
    app.command("runs")(runs)
    app.command("run")(run)
    app.command("wait")(wait)
    app.command("stop")(stop)
    app.command("resume")(resume)


def train(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = "",
    template: Annotated[str, typer.Option(help=TEMPLATE_HELP)] = "",
    set: Annotated[list[str] | None, typer.Option(help="A setting, key=value; repeatable.")] = None,
    preset: Annotated[str, typer.Option(help=PRESET_HELP)] = "",
    detach: Annotated[bool, typer.Option("--detach", help="Queue the run and return at once.")] = False,
    json: AsJson = False,
) -> None:
    """Fine-tune a model on a dataset with LoRA."""
    chosen = chosen_settings(set or [], preset, model, template)
    view = store.create(name, chosen.model, chosen.template, chosen.config, settings.user)
    say(f"run {view.id} on {view.data_ref}")
    _until_it_ends(view, detach, json)


def runs(json: AsJson = False) -> None:
    """List the runs, newest first."""
    views = store.list_runs()
    say_if_empty(views, "run")
    if json:
        emit({"runs": [view.to_dict() for view in views]})
        return
    table(
        ["run", "status", "data", "model", "template", "eval loss", "time"],
        [
            [view.id, view.status, view.data_ref, view.model, view.template, _eval(view.summary), _time(view)]
            for view in views
        ],
    )


def run(run: Annotated[str, typer.Argument(help="Run id.")], json: AsJson = False) -> None:
    """Show one run: state, settings, results."""
    view = store.get(run)
    if json:
        error = {**view.job.error, **_suggestion(view)} if view.job.error else None
        emit({**view.to_dict(), "error": error})
        return
    where = view.data_ref or "made elsewhere"
    print(f"{view.id}: {view.status} · {where} · {view.model} · {view.template}")
    if view.job.live:
        print(progress_line(view.job))
    for notice in view.warnings:
        print(f"note: {notice.text}")
    if view.job.error:
        print(f"{view.job.error['message']} {view.job.error.get('hint', '')}")
    if suggest := remedy(view):
        config = TrainConfig.from_settings({**view.config.to_dict(), **suggest})
        print(f"This may help: {command_line(view.data_ref, view.model, view.template, config)}")
    if (step := store.resumable(view)) is not None:
        print(f"It can go on from step {step}: python -m studio resume {view.id}")
    if view.summary:
        _print_summary(view.summary)
    for what, words in in_words({key: fact for key, fact in view.facts.items() if key not in SAID}).items():
        print(f"{what}: {words}")
    print(store.repeat(view))


def wait(
    id: Annotated[str, typer.Argument(help="Run id, or the number of a comparison.")], json: AsJson = False
) -> None:
    """Wait until a run or comparison ends, as without --detach; Ctrl-C stops it and keeps what it has."""
    try:
        view = store.get(id)
    except NotFound:
        if not id.isdecimal():
            raise
        _wait_for_comparison(int(id), json)
    else:
        _until_it_ends(view, detach=False, json=json)


def _wait_for_comparison(number: int, json: bool) -> None:
    from lib.evaluation import comparisons
    from studio.commands.compare import until_it_ends

    until_it_ends(comparisons.get(number), json)


def stop(
    run: Annotated[str, typer.Argument(help="Run id, or the number of a comparison.", metavar="ID")],
    cancel: Annotated[bool, typer.Option("--cancel", help="End it at once; only its last checkpoint stays.")] = False,
    json: AsJson = False,
) -> None:
    """Stop a run or a comparison and keep what it has so far."""
    if run.isdecimal():
        _stop_comparison(int(run), json)
        return
    view = (store.cancel if cancel else store.stop)(run, settings.user)
    if view.job.live:
        follow(view.job.id)
        view = store.get(run)
    emit({"run": view.id, "status": view.status}) if json else print(f"{view.id}: {view.status}")


def _stop_comparison(number: int, json: bool) -> None:
    from lib.evaluation import comparisons

    view = comparisons.get(number)
    queue.stop(view.job.id)
    follow(view.job.id)
    view = comparisons.get(number)
    emit({"comparison": view.id, "status": view.status}) if json else print(f"comparison {view.id}: {view.status}")


def resume(
    run: Annotated[str, typer.Argument(help="Run id.")],
    steps: Annotated[
        int | None, typer.Option(help="Train so many steps more than it has, also when it has finished.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Queue the run and return at once.")] = False,
    json: AsJson = False,
) -> None:
    """Go on with a run from its last checkpoint: one that was interrupted or stopped, or that shall train longer."""
    step = store.extendable(store.get(run)) or 0
    ahead = store.ahead()
    view = store.resume(run, settings.user, steps)
    waits = f", at the end of the queue: {counted(ahead, 'job')} before it" if ahead else ""
    say(f"run {view.id} goes on from step {step}{waits}")
    _until_it_ends(view, detach, json)


def _until_it_ends(view: store.RunView, detach: bool, json: bool) -> None:
    worker.ensure()
    if detach:
        emit({"run": view.id, "status": view.status}) if json else print(view.id)
        return
    try:
        job = follow(view.job.id)
    except JobFailed as failed:
        raise JobFailed({"run": view.id, **failed.error, **_suggestion(store.get(view.id))}) from None
    result = {**(job.result or {"run": view.id}), "status": job.status}
    emit(result) if json else _print_summary(result)
    if job.status == STOPPED:
        say(f"It was stopped. Go on with it: python -m studio resume {view.id}")
        raise typer.Exit(STOPPED_STATUS)


def _suggestion(view: store.RunView) -> dict[str, Any]:
    """`suggest`: settings with which a run that has failed may get through, where any are known."""
    suggest = remedy(view)
    return {"suggest": suggest} if suggest else {}


def _time(view: store.RunView) -> str:
    return duration(view.job.seconds)


def _eval(summary: dict[str, Any]) -> str:
    before, after = summary.get("eval_loss", [None, None])
    return f"{before:.2f} -> {after:.2f}" if before is not None and after is not None else "-"


def _print_summary(summary: dict[str, Any]) -> None:
    if "steps" not in summary:
        if "status" in summary:
            print(f"{summary['run']}: {summary['status']}")
        return
    print(
        f"{summary['run']}: {summary['steps']} steps, {summary['tokens']:,} tokens in {duration(summary['seconds'])} "
        f"({summary['tokens_per_second']:.0f} tok/s), loss {summary['loss'][0]:.3f} -> {summary['loss'][1]:.3f}, "
        f"eval loss {_eval(summary)}, peak memory {memory(summary['peak_memory_bytes'])}"
    )
