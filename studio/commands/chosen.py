"""What train and plan are asked for: settings from a preset and from `--set`, model and template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lib.models import STARTER
from lib.training.config import TrainConfig
from lib.training.presets import PRESETS, get_preset
from studio.commands.output import pairs

TEMPLATE = "llama2"
MODEL_HELP = f"starter, a folder, or a Hub id; without it the preset's, else {STARTER}."
TEMPLATE_HELP = f"Template to train in; without it the preset's, else {TEMPLATE}."
PRESET_HELP = f"Start from {', '.join(PRESETS)}, or one that was saved."


@dataclass(frozen=True)
class Chosen:
    """A run as it was asked for."""

    config: TrainConfig
    model: str
    template: str


def chosen_settings(set: list[str], preset: str, model: str, template: str) -> Chosen:
    """What is given counts before what the preset says; empty texts are not given.

    Raises:
        NotFound: no such preset.
        BadInput, BadSettings: a setting that cannot be used.
    """
    start = get_preset(preset) if preset else None
    settings: dict[str, Any] = {**(start.settings if start else {}), **pairs(set, "key=value")}
    return Chosen(
        TrainConfig.from_settings(settings),
        model or (start.model if start else "") or STARTER,
        template or (start.template if start else "") or TEMPLATE,
    )
