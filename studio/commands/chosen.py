"""What train and plan are asked for: settings from a preset and from `--set`, model and template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lib import models
from lib.errors import NotFound
from lib.formats import suited_template
from lib.models import STARTER
from lib.training.config import TrainConfig
from lib.training.presets import PRESETS, get_preset
from studio.commands.output import pairs

MODEL_HELP = f"starter, a folder, or a Hub id; without it the preset's, else {STARTER}."
TEMPLATE_HELP = "Template to train in; without it the preset's, else the model's own, else llama2."
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
    config = TrainConfig.from_settings(settings)
    model = model or (start.model if start else "") or STARTER
    return Chosen(config, model, template or (start.template if start else "") or _template_of(model))


def _template_of(model: str) -> str:
    """Of a model of the Hub that is not here yet nobody knows in what it was made to talk."""
    try:
        return suited_template(models.find(model).path)
    except NotFound:
        return "llama2"
