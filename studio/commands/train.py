"""train, runs, run, stop, resume."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lib.jobs import worker
from lib.settings import settings
from lib.training import runs as store
from lib.training.config import TrainConfig
from lib.training.presets import PRESETS
from lib.words import duration
from studio.commands.output import AsJson, emit, follow, pairs, progress_line, say, table


def register(app: typer.Typer) -> None:
    app.command("train")(train)
    app.command("runs")(runs)
    app.command("run")(run)
    app.command("stop")(stop)
    app.command("resume")(resume)


def train(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    model: Annotated[str, typer.Option(help="starter, a folder, or a Hub id.")] = "starter",
    template: Annotated[str, typer.Option(help="Template to train in.")] = "llama2",
    set: Annotated[list[str] | None, typer.Option(help="A setting, key=value; repeatable.")] = None,
    preset: Annotated[str | None, typer.Option(help=f"Start from: {', '.join(PRESETS)}.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Queue the run and return at once.")] = False,
    json: AsJson = False,
) -> None:
    """Fine-tune a model on a dataset with LoRA."""
    chosen: dict[str, Any] = dict(PRESETS[preset].settings) if preset in PRESETS else {}
    if preset and preset not in PRESETS:
        raise typer.BadParameter(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}")
    config = TrainConfig.from_settings({**chosen, **pairs(set or [], "key=value")})
    view = store.create(name, model, template, config, settings.user)
    say(f"run {view.id} on {view.data_ref}")
    _until_it_ends(view, detach, json)


def runs(json: AsJson = False) -> None:
    """List the runs, newest first."""
    views = store.list_runs()
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
        emit(view.to_dict())
        return
    print(f"{view.id}: {view.status} · {view.data_ref} · {view.model} · {view.template}")
    if view.job.live:
        print(progress_line(view.job))
    if view.job.error:
        print(f"{view.job.error['message']} {view.job.error.get('hint', '')}")
    if (step := store.resumable(view)) is not None:
        print(f"It can go on from step {step}: python -m studio resume {view.id}")
    if view.summary:
        _print_summary(view.summary)
    print(store.command_line(view.data_ref, view.model, view.template, view.config))


def stop(run: Annotated[str, typer.Argument(help="Run id.")], json: AsJson = False) -> None:
    """Stop a run and keep what it has learned so far."""
    view = store.stop(run, settings.user)
    if view.job.live:
        follow(view.job.id)
        view = store.get(run)
    emit({"run": view.id, "status": view.status}) if json else print(f"{view.id}: {view.status}")


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
    view = store.resume(run, settings.user, steps)
    say(f"run {view.id} goes on from step {step}")
    _until_it_ends(view, detach, json)


def _until_it_ends(view: store.RunView, detach: bool, json: bool) -> None:
    worker.ensure()
    if detach:
        emit({"run": view.id, "status": view.status}) if json else print(view.id)
        return
    job = follow(view.job.id)
    result = job.result or {"run": view.id, "status": job.status}
    emit(result) if json else _print_summary(result)


def _time(view: store.RunView) -> str:
    return duration(view.job.seconds)


def _eval(summary: dict[str, Any]) -> str:
    before, after = summary.get("eval_loss", [None, None])
    return f"{before:.2f} -> {after:.2f}" if before is not None and after is not None else "-"


def _print_summary(summary: dict[str, Any]) -> None:
    if "steps" not in summary:
        print(f"{summary['run']}: {summary.get('status', '')}")
        return
    print(
        f"{summary['run']}: {summary['steps']} steps, {summary['tokens']:,} tokens in {duration(summary['seconds'])} "
        f"({summary['tokens_per_second']:.0f} tok/s), loss {summary['loss'][0]:.3f} -> {summary['loss'][1]:.3f}, "
        f"eval loss {_eval(summary)}, peak memory {summary['peak_memory_bytes'] / 2**30:.1f} GiB"
    )
