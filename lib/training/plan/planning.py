"""The plan of a run: everything put together."""

from __future__ import annotations

from dataclasses import replace

from lib import models
from lib.data.datasets import DatasetInfo
from lib.devices import Device
from lib.formats import get_template, load_tokenizer
from lib.training import listing
from lib.training.config import TrainConfig
from lib.training.plan.auto import precision_of, with_batch
from lib.training.plan.candidates import Candidate, Ground, look
from lib.training.plan.dry_runs import DryRun, newest_dry_run
from lib.training.plan.pace import LIKE, Rate, rate_of
from lib.training.plan.proposals import propose
from lib.training.plan.records import Plan
from lib.training.plan.rows import rows_of
from lib.training.plan.shape_files import read_shape
from lib.training.plan.shapes import Shape
from lib.training.plan.turns import device_at_its_turn
from lib.training.plan.warnings import faults_of, warnings_of

LEAST, MOST = 0.5, 2.0  # how far a measurement may correct estimates of other settings


def plan(
    info: DatasetInfo,
    model: str,
    template: str,
    config: TrainConfig,
    device: Device | None = None,
    *,
    proposals: bool = True,
) -> Plan:
    """What a run would take, and better settings for it. Starts nothing, and reads no weights.

    Args:
        device: the one that it would run on; by default the first GPU, else the CPU, as it will be at the run's turn.
        proposals: look for better settings, which takes some milliseconds.

    Raises:
        NotFound, ModelError: no such template or model, or one that cannot be read.
        BadInput: `eval_split` names a split that is not there.
    """
    device = device or device_at_its_turn()
    found = models.find(model)
    shape, rows = read_shape(found.path), rows_of(info, model, template, config)
    asked, config = config, with_batch(shape, config, rows.lengths, rows.learned, device)
    dry = newest_dry_run(info, model, template, config, device)
    ground, now = _with_dry_run(Ground(shape, device, rows, _rate(model, shape, config, device, dry)), config, dry)
    better = propose(ground, asked, now) if proposals and rows.used else ()
    pace = now.pace
    return Plan(
        data=info.ref,
        model=model,
        template=get_template(template).name,
        config=config,
        device=device,
        shape=shape,
        precision=precision_of(config, device),
        memory=now.memory,
        rows=rows,
        pace=pace,
        adapter_parameters=shape.adapter_parameters(config.r, config.modules, config.use_dora),
        measured=dry is not None,
        warnings=tuple(warnings_of(info, shape, load_tokenizer(found.path), template, config, rows, pace, device)),
        faults=faults_of(found, shape, config, rows, now.memory, better),
        proposals=better,
    )


def _rate(model: str, shape: Shape, config: TrainConfig, device: Device, dry: DryRun | None) -> Rate:
    if dry is None:
        return rate_of(listing.list_runs(limit=LIKE), model, shape, config, device, precision_of(config, device))
    return Rate(ready_seconds=dry.ready_seconds)


def _with_dry_run(ground: Ground, config: TrainConfig, dry: DryRun | None) -> tuple[Ground, Candidate]:
    """The settings as they were measured, and estimates of others corrected by it."""
    if dry is None:
        return ground, look(ground, config, config)
    now = look(ground, config, config, checkpointing=dry.checkpointing)
    per_token = dry.usual_seconds / max(dry.usual_tokens, 1)
    factor = per_token * now.pace.tokens_per_second
    source = "measured by a dry run"
    ground = replace(
        ground,
        rate=Rate(factor, dry.ready_seconds, source),
        correction=_correction(now, dry.peak_bytes),
    )
    now = look(replace(ground, correction=1.0), config, config, checkpointing=dry.checkpointing)
    return ground, replace(now, memory=now.memory.with_measurement(dry.peak_bytes, source))


def _correction(now: Candidate, peak: int) -> float:
    of_batch = now.memory.of_batch
    if not of_batch or now.memory.of_reading:  # then the peak says nothing of a batch
        return 1.0
    return min(max((peak - (now.memory.estimated - of_batch)) / of_batch, LEAST), MOST)
