"""What the base of a run is called where others read it."""

from __future__ import annotations

from pathlib import Path

from lib import models
from lib.models.ids import HubId
from lib.training.runs import RunView

STARTER_SOURCE = "HuggingFaceTB/SmolLM2-135M-Instruct"


def base_id(view: RunView) -> str:
    """The base's id on the Hub; empty when it has none that is known."""
    if view.model == models.STARTER:
        return STARTER_SOURCE
    return HubId.parse(view.model).repo if models.is_hub_id(view.model) else ""


def base_revision(view: RunView) -> str | None:
    """The revision that was asked for, where it is not `main`."""
    found = HubId.parse(view.model).revision if models.is_hub_id(view.model) else "main"
    return None if found == "main" else found


def base_name(view: RunView) -> str:
    """Its id, else its name; of a folder's path, which is nobody else's business, the last part."""
    return base_id(view) or Path(view.model).name
