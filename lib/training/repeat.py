"""The command that repeats a run, as people type it."""

from __future__ import annotations

import shlex

from lib.training.config import TrainConfig
from lib.training.run_view import RunView
from lib.training.values import shown


def command_line(data: str, model: str, template: str, config: TrainConfig) -> str:
    """The command that trains with these settings; those at their defaults are left out."""
    defaults = TrainConfig().to_dict()
    changed = [f"{key}={shown(key, value)}" for key, value in config.to_dict().items() if value != defaults[key]]
    return _joined("train", data, model=model, template=template, set=changed)


def repeat(view: RunView) -> str:
    """The command that makes the run again; of an adapter made elsewhere, the one that takes it in."""
    if not view.adopted:
        return command_line(view.data_ref, view.model, view.template, view.config)
    source, held = str(view.summary.get("adopted_from", "")), view.config.quantization
    more = {"quantization": held} if held != "none" else {}
    return _joined("adopt", source, name=view.id, model=view.model, template=view.template, **more)


def _joined(command: str, argument: str, **options: str | list[str]) -> str:
    parts = [f"python -m studio {command} {shlex.quote(argument)}"]
    for name, value in options.items():
        parts += [f"--{name} {shlex.quote(one)}" for one in ([value] if isinstance(value, str) else value)]
    return " ".join(parts)
