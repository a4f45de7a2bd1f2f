"""What would fit after a run has died for want of memory, whatever its plan had said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lib.data import datasets
from lib.devices import Device, default_device
from lib.errors import StudioError
from lib.training.config import TrainConfig
from lib.training.plan.planning import plan
from lib.training.run_view import RunView

LESS = 0.85  # of what the settings that failed were to need: less than this is asked of those to try next


def nearest_that_fits(run: RunView, device: Device | None = None) -> dict[str, Any]:
    """The nearest change that needs clearly less memory than the run's own settings; empty where the plan knows none.

    What was free when it died is not looked at: the run itself held it.
    """
    device = device or default_device()
    try:
        info = datasets.get(run.data_ref)
        asked = plan(info, run.model, run.template, run.config, device, proposals=False)
        smaller = replace(device, free=min(device.memory, int(asked.memory.needed * LESS)))
        found = plan(info, run.model, run.template, run.config, smaller)
        if found.memory.fits:  # as checkpointing at `auto` would have it, had less been free
            return {"gradient_checkpointing": "on"} if found.memory.checkpointing > asked.memory.checkpointing else {}
        if not found.proposals:
            return {}
        settings = dict(found.proposals[0].settings)
        config = TrainConfig.from_settings({**run.config.to_dict(), **settings})
        if plan(info, run.model, run.template, config, smaller, proposals=False).memory.checkpointing:
            settings["gradient_checkpointing"] = "on"  # `auto` would keep the activations again
    except StudioError:  # data or model that has gone since cannot be planned with
        return {}
    return settings
