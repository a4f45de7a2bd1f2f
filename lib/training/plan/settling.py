"""The settings that a run is made with, where some were left to the plan: they are chosen once, when it is made."""

from __future__ import annotations

from dataclasses import replace

from lib import models
from lib.data.datasets import DatasetInfo
from lib.devices import Device
from lib.errors import StudioError
from lib.training.config import AUTO_ROWS, TrainConfig
from lib.training.plan.auto import with_batch
from lib.training.plan.rows import rows_of
from lib.training.plan.shape_files import read_shape
from lib.training.plan.turns import device_at_its_turn


def settled(
    info: DatasetInfo, model: str, template: str, config: TrainConfig, device: Device | None = None
) -> TrainConfig:
    """The settings with a batch that fits in place of 0; as they are where they name one.

    Where the plan cannot be asked, as for a model that is still to be fetched, the whole step is one batch.
    """
    if config.per_device_train_batch_size:
        return config
    try:
        rows = rows_of(info, model, template, config)
        shape = read_shape(models.find(model).path)
        return with_batch(shape, config, rows.lengths, rows.learned, device or device_at_its_turn())
    except StudioError:
        return replace(config, per_device_train_batch_size=AUTO_ROWS)
