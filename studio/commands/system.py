"""system: devices, queue, workers, disk, models, versions, settings; stop or move a job, free disk."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any

import typer

from lib.errors import BadInput
from lib.settings import settings
from lib.system import actions, freeing
from lib.system.document import document
from lib.versions import commit_words, listed
from lib.words import counted, duration, memory, size
from studio.commands.output import AsJson, emit, table

Job = Annotated[int, typer.Argument(help="number of a job, as `system` lists it")]


def register(app: typer.Typer) -> None:
    system = typer.Typer(
        name="system",
        help="What this machine does and stores; stop or move a job, free disk.",
        invoke_without_command=True,
    )
    system.callback()(shown)
    system.command("stop")(stop)
    system.command("up")(up)
    system.command("free")(free)
    app.add_typer(system)


def shown(context: typer.Context, json: AsJson = False) -> None:
    """Devices and what holds them, queue, workers, disk, models, versions, settings."""
    if context.invoked_subcommand is not None:
        return
    found = document()
    if json:
        emit(found)
        return
    for part in (_devices, _jobs, _workers, _disk, _models, _settings, _versions):
        part(found)


def stop(job: Job, json: AsJson = False) -> None:
    """Stop a job: one that waits at once; one that runs keeps what it has; the engine gives its memory back."""
    ended = actions.stop(job, settings.user)
    state = "stopping" if ended.stopping else ended.status
    if json:
        emit({"job": job, "status": state})
        return
    print(f"job {job}: {state}")


def up(job: Job, json: AsJson = False) -> None:
    """Put a waiting job before the one that has its turn before it."""
    order = [moved.id for moved in actions.move_up(job, settings.user)]
    if json:
        emit({"job": job, "waiting": order})
        return
    print(f"job {job} has turn {order.index(job) + 1} of {len(order)}")


def free(
    what: Annotated[str, typer.Argument(help=" or ".join(freeing.WHAT))],
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    json: AsJson = False,
) -> None:
    """Delete exports, or uploads that nobody imported; nothing of what a live job needs."""
    if what in freeing.WHAT and not yes:
        there = sum(one.size for one in freeing.freeable() if one.name == what)
        raise BadInput(f"{what} take {size(there)}. Nothing was deleted.", "Add --yes to delete them.")
    freed = freeing.free(what, settings.user)
    if json:
        emit({"freed": what, "items": freed.items, "bytes": freed.size})
        return
    print(f"{counted(freed.items, what.removesuffix('s'))} deleted, {size(freed.size)}")


def _devices(found: dict[str, Any]) -> None:
    table(
        ["device", "name", "memory", "free", "held by"],
        [
            [one["id"], one["name"], memory(one["memory"]), memory(one["free"]), _holders(one["held_by"])]
            for one in found["devices"]
        ],
    )


def _holders(jobs: list[dict[str, Any]]) -> str:
    return ", ".join(f"{job['title']} (job {job['job']}, {duration(job['seconds'])})" for job in jobs) or "nothing"


def _jobs(found: dict[str, Any]) -> None:
    live = [*found["queue"]["running"], *found["queue"]["waiting"]]
    print()
    if not live:
        print("Nothing runs and nothing waits.")
    else:
        table(
            ["job", "state", "lane", "what", "by"],
            [[job["job"], job["status"], job["lane"], job["title"], job["created_by"]] for job in live],
        )
    for job in found["failed"]:
        print(f"job {job['job']} {job['status']}: {job['title']}. {(job['error'] or {}).get('message', '')}")


def _workers(found: dict[str, Any]) -> None:
    print()
    for worker in found["workers"]:
        heard = duration(max(time.time() - datetime.fromisoformat(worker["heard_at"]).timestamp(), 0))
        state = "alive" if worker["alive"] else "gone"
        print(f"worker {worker['pid']} on {worker['host']}: {state}, heard {heard} ago")
    if not any(worker["alive"] for worker in found["workers"]):
        print("No worker is alive; `python -m studio` starts one, and commands that wait for a job do.")


def _disk(found: dict[str, Any]) -> None:
    disk = found["disk"]
    print()
    print(f"{size(disk['used'])} in {disk['home']}; {size(disk['free'])} free of {size(disk['total'])}")
    parts = sorted(disk["parts"].items(), key=lambda one: -one[1])
    print(", ".join(f"{name} {size(count)}" for name, count in parts if count) or "nothing is stored yet")
    for one in disk["freeable"]:
        print(f"{one['name']}: {size(one['size'])} can go (`system free {one['name']}`)")


def _models(found: dict[str, Any]) -> None:
    print()
    models = found["models"]
    print(", ".join(f"{model['name']} {size(model['size'])}" for model in models) or "No model yet: run `make setup`.")
    for model in models:
        if model["problem"]:
            print(f"{model['name']}: {model['problem']} {model['remedy']}")


def _settings(found: dict[str, Any]) -> None:
    print()
    table(
        ["setting", "value", "from"],
        [[value["variable"], value["value"] or "-", value["source"]] for value in found["settings"]],
    )
    for value in found["settings"]:
        if value["problem"]:
            print(f"{value['variable']}: {value['problem']}")


def _versions(found: dict[str, Any]) -> None:
    print()
    print(listed(found["versions"]))
    print(f"studio: {commit_words(found['git'])}")
