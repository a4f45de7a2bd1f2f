"""presets: where a run's settings can start from, and every setting there is."""

from __future__ import annotations

from typing import Any

import typer

from lib.training.config import TrainConfig, field_help
from lib.training.presets import list_presets
from studio.commands.output import AsJson, emit, table


def register(app: typer.Typer) -> None:
    app.command("presets")(presets)


def presets(json: AsJson = False) -> None:
    """List the presets, then each setting with its default and what it does."""
    found, defaults, words = list_presets(), TrainConfig().to_dict(), field_help()
    if json:
        listed = {
            name: {
                "about": preset.about,
                "settings": dict(preset.settings),
                "template": preset.template or None,
                "model": preset.model or None,
                "saved": preset.saved,
            }
            for name, preset in found.items()
        }
        known = {name: {"default": default, "help": words[name]} for name, default in defaults.items()}
        emit({"presets": listed, "settings": known})
        return
    for name, preset in found.items():
        print(f"{name}: {preset.about}")
        changes = [f"{key}={value}" for key, value in preset.settings.items()]
        print(f"  {' '.join(changes)}{_made_for(preset.model, preset.template)}")
    print()
    rows = [[name, _shown(value), words[name].replace("\n", " ")] for name, value in defaults.items()]
    table(["setting", "default", "what it does"], rows)


def _made_for(model: str, template: str) -> str:
    named = [f"{what} {value}" for what, value in (("model", model), ("template", template)) if value]
    return f" (for {', '.join(named)})" if named else ""


def _shown(value: Any) -> str:
    return str(value) if value != "" else "-"
