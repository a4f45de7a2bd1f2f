"""plan: memory, time and lost rows of a run, and better settings; starts nothing, but with --measure a dry run."""

from __future__ import annotations

from typing import Annotated

import typer

from lib.data import datasets
from lib.devices import Device
from lib.jobs import worker
from lib.settings import settings
from lib.training.plan import Plan, plan, submit_dry_run
from lib.training.plan.turns import device_at_its_turn
from lib.training.starting import refusal
from lib.words import GIB, counted, duration, memory, speed
from studio.commands.chosen import MODEL_HELP, PRESET_HELP, TEMPLATE_HELP, chosen_settings
from studio.commands.output import AsJson, emit, fail, follow, table


def register(app: typer.Typer) -> None:
    app.command("plan")(plan_run)


def plan_run(
    name: Annotated[str, typer.Argument(help="dataset or dataset@version")],
    model: Annotated[str, typer.Option(help=MODEL_HELP)] = "",
    template: Annotated[str, typer.Option(help=TEMPLATE_HELP)] = "",
    set: Annotated[list[str] | None, typer.Option(help="A setting, key=value; repeatable.")] = None,
    preset: Annotated[str, typer.Option(help=PRESET_HELP)] = "",
    limit: Annotated[float | None, typer.Option("--memory", help="Plan with so many GiB at most.", min=0.1)] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Take two steps first, and say what they needed.")] = False,
    json: AsJson = False,
) -> None:
    """Say what a run would take, before it is started."""
    chosen = chosen_settings(set or [], preset, model, template)
    config, model, template = chosen.config, chosen.model, chosen.template
    info = datasets.get(name)
    if measure:
        job = submit_dry_run(info, model, template, config, settings.user)
        worker.ensure()
        follow(job)
    found = plan(info, model, template, config, _device(limit))
    refused = None if found.can_start else refusal(found, config)
    if json:
        emit({**found.to_dict(), **(refused.to_dict() if refused else {})})
    else:
        _print(found)
    if refused:
        fail(refused, as_json=False)


def _device(limit: float | None) -> Device:
    device = device_at_its_turn()
    return device.limited(int(limit * GIB)) if limit else device


def _print(found: Plan) -> None:
    print(f"{found.data} · {found.model} · {found.template} · {found.device.name} · {found.precision}")
    _print_memory(found)
    _print_rows(found)
    pace = found.pace
    print(
        f"\ntime: about {duration(pace.seconds)} for {counted(pace.steps, 'step')} ({pace.epochs:.2f} passes, "
        f"{pace.tokens:,} tokens at {speed(pace.tokens_per_second)}); ready after {duration(pace.ready_seconds)}; "
        f"{pace.source}"
    )
    for warning in found.warnings:
        print(f"note: {warning.text}")
    for proposal in found.proposals:
        changes = " ".join(f"--set {key}={value}" for key, value in proposal.settings.items())
        print(f"\n{proposal.why}\n  {changes}")


def _print_memory(found: Plan) -> None:
    need = found.memory
    print()
    table(["memory", "", ""], [[item.name, memory(item.bytes), item.words] for item in (*need.items, need.overhead)])
    there = f"of {memory(need.free)} that are free, {memory(need.usable)} of them usable"
    print(f"peak {memory(need.peak)} ({need.how}); needs {memory(need.needed)} {there}")


def _print_rows(found: Plan) -> None:
    rows = found.rows
    lost = ", ".join(f"{count:,} {reason}" for reason, count in rows.left_out.items())
    print(
        f"\nrows: {rows.used:,} of {rows.rows:,} used, {rows.tokens:,} tokens, {rows.trained:,} of them learned; "
        f"longest {rows.longest:,}, mean {rows.mean:.0f}; {rows.source}"
    )
    if lost or rows.cut:
        print(f"left out: {lost or 'none'}; cut: {rows.cut:,}")
