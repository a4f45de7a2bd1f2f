"""A new run: checked without loading a model, then queued."""

from __future__ import annotations

from sqlalchemy import select

from lib import models
from lib.data import datasets
from lib.data.datasets import DatasetInfo
from lib.database import Run, note, session
from lib.errors import CannotStart, NotFound
from lib.formats import get_template
from lib.jobs import queue
from lib.storage import run_dir, write_json
from lib.training.config import TrainConfig
from lib.training.listing import get
from lib.training.names import new_name
from lib.training.plan import Plan, plan
from lib.training.plan.settling import settled
from lib.training.repeat import command_line
from lib.training.rows import NO_ROW_LEFT
from lib.training.run_view import RunView


def create(data: str, model: str, template: str, config: TrainConfig, user: str, parent: str | None = None) -> RunView:
    """Check what can be checked without loading a model, then queue the run.

    It keeps the version of a saved template that there is now, and its source. `parent` is the run that it comes from.

    Raises:
        NotFound: no such dataset, model or template.
        ModelError: the model cannot be trained on; says why.
        CannotStart: its plan speaks against it, as when it does not fit; names the nearest change that does.
    """
    info = datasets.get(data)
    _check_model(model)
    renderer = get_template(template)
    template = renderer.name  # of a saved one, the version of today
    _check_plan(info, model, template, config)
    config = settled(info, model, template, config)
    run_id = _new_id()
    run = Run(
        id=run_id,
        dataset=info.name,
        version=info.version,
        model=model,
        template=template,
        config=config.to_dict(),
        created_by=user,
    )
    written = {
        "run": run_id,
        "data": info.ref,
        "model": model,
        "template": template,
        **({"template_source": renderer.source} if renderer.source else {}),
        **({"parent": parent} if parent else {}),
        "settings": config.to_dict(),
        "command": command_line(info.ref, model, template, config),
    }
    with session() as opened:
        job = queue.new_job("train", {"run": run_id, **({"parent": parent} if parent else {})}, user)
        opened.add(job)
        opened.flush()
        run.job_id = job.id
        opened.add(run)
        opened.flush()  # the name is ours from here on; a run that can be seen has its settings on the disk
        write_json(run_dir(run_id) / "config.json", written)
    note(user, f"started run {run_id} on {info.ref}", f"runs?run={run_id}")
    return get(run_id)


def _check_model(model: str) -> None:
    """One of the Hub that is not here is fetched, and checked, by the run itself: that may take long."""
    try:
        models.find(model).check()
    except NotFound:
        if not models.is_hub_id(model):
            raise


def _check_plan(info: DatasetInfo, model: str, template: str, config: TrainConfig) -> None:
    """What the plan refuses, nothing starts; it cannot be asked of a model that is still to be fetched."""
    try:
        found = plan(info, model, template, config, proposals=False)
        if found.can_start:
            return
        found = plan(info, model, template, config)  # proposals take longer than the rest
    except NotFound:
        if models.is_hub_id(model):
            return
        raise
    raise refusal(found, config)


def refusal(found: Plan, config: TrainConfig) -> CannotStart:
    """What a run of these settings is refused with, whose plan has faults."""
    suggest = found.proposals[0].settings if found.proposals and not found.fits else {}
    changed = TrainConfig.from_settings({**config.to_dict(), **suggest})
    again = command_line(found.data, found.model, found.template, changed)
    other = NO_ROW_LEFT if "rows" in found.faults else "Change what is named, and ask the plan again."
    return CannotStart(found.faults, suggest, f"This fits: {again}" if suggest else other)


def _new_id() -> str:
    with session() as opened:
        return new_name(set(opened.scalars(select(Run.id))))
