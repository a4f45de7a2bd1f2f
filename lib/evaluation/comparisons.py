"""Comparisons: create one, list them, take one up again, read what was stored. `comparing` does the work.

view = create(["gentle-otter"], None, "test", CompareConfig(limit=100), "ann")
view = create([], None, "", CompareConfig(), "ann", prompt_set="smoke", models=[model_side("starter"), …])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.data import datasets
from lib.database import Comparison, Job, note, session
from lib.database.models import LIVE
from lib.errors import BadInput, NotFound, WrongState
from lib.evaluation import prompt_sets
from lib.evaluation.comparing import files
from lib.evaluation.comparing.config import CompareConfig
from lib.evaluation.comparing.view import ComparisonView, view_of
from lib.evaluation.metrics import Scores, from_columns, get_spec, take
from lib.evaluation.sides import Side, sides_of
from lib.jobs import queue
from lib.training import runs

__all__ = [
    "CompareConfig",
    "ComparisonView",
    "ask_again",
    "create",
    "get",
    "list_comparisons",
    "outputs",
    "questions",
    "resume",
    "scores",
]


def create(
    run_ids: Sequence[str],
    data: str | None,
    split: str,
    config: CompareConfig,
    user: str,
    *,
    prompt_set: str = "",
    models: Sequence[Side] = (),
    base: bool = True,
) -> ComparisonView:
    """Check what can be checked without a model, then queue the comparison.

    Args:
        data: `name` or `name@3`; None takes what the first run was trained on.
        prompt_set: asks its prompts instead of a split.
        models: sides beside the runs (see `sides.model_side`).
        base: the base of the first run is the reference; else the first run is, or the first model.

    Raises:
        NotFound: unknown run, dataset, prompt set or metric.
        BadInput: fewer than two sides, an empty split, no data to ask.
        WrongState: a run that has no adapter yet.
    """
    sides = sides_of(run_ids, models, base)
    for metric in config.metrics:
        get_spec(metric)
    return _queue(sides, _asked(sides, data, split, prompt_set), config, user)


def ask_again(comparison_id: int, user: str, **changes: Any) -> ComparisonView:
    """A new comparison of the same sides on the same questions, with other settings.

    Args:
        changes: fields of `CompareConfig`, such as `max_new_tokens=192`.

    Raises:
        NotFound: no comparison of that number; a run, dataset or prompt set that is gone since.
        BadSettings: values that cannot be used.
    """
    view = get(comparison_id)
    for side in view.who:
        if side.run:
            runs.get(side.run)
    asked = _asked(view.who, view.data_ref or None, view.split, view.prompt_set)
    return _queue(view.who, asked, replace(view.settings, **changes), user)


def _queue(sides: Sequence[Side], asked: dict[str, Any], config: CompareConfig, user: str) -> ComparisonView:
    tuned = [side.run for side in sides if side.run]
    with session() as opened:
        job = queue.new_job("compare", {}, user)
        opened.add(job)
        opened.flush()
        row = Comparison(
            id=_unused_number(opened),
            job_id=job.id,
            runs=tuned,
            config={**config.to_dict(), "sides": [side.to_dict() for side in sides]},
            created_by=user,
            **asked,
        )
        opened.add(row)
        opened.flush()
        job.payload = {"comparison": row.id}
    view = get(row.id)
    names = ", ".join(side.name for side in sides[1:])
    note(user, f"compared {names} with {sides[0].name} on {view.asked}"[:512], f"compare?comparison={row.id}")
    return view


def _unused_number(opened: Session) -> int | None:
    """One that no comparison ever had: a number that somebody noted must not lead to another verdict. None where the
    database sees to that."""
    if opened.get_bind().dialect.name != "sqlite":
        return None
    asked = select(func.max(Job.payload["comparison"].as_integer())).where(Job.kind == "compare")
    return max(opened.scalar(select(func.max(Comparison.id))) or 0, opened.scalar(asked) or 0) + 1


def _asked(sides: Sequence[Side], data: str | None, split: str, prompt_set: str) -> dict[str, Any]:
    """The columns that say what is asked."""
    if prompt_set:
        return {"dataset": "", "version": 0, "split": "", "prompt_set": prompt_sets.get(prompt_set).name}
    first = next((side.run for side in sides if side.run), None)
    ref = data or (runs.get(first).data_ref if first else "")
    if not ref:
        raise BadInput("Nothing says which questions to ask.", "Name a dataset and its split, or a prompt set.")
    try:
        info = datasets.get(ref)
    except NotFound as error:
        if data:
            raise
        raise NotFound(
            f"The dataset {ref}, which {first} was trained on, is gone.",
            "Say what to ask: another dataset, or prompts.",
        ) from error
    if not info.splits.get(split):
        there = ", ".join(name for name, rows in info.splits.items() if rows) or "none"
        raise BadInput(f"{info.name}@{info.version} has no rows in its {split} split.", f"Splits with rows: {there}.")
    return {"dataset": info.name, "version": info.version, "split": split, "prompt_set": ""}


def resume(comparison_id: int, user: str) -> ComparisonView:
    """Go on with a comparison that ended before its last answer; what was answered stays as it is.

    Raises:
        NotFound: no comparison of that number.
        WrongState: it goes on as it is, or has finished.
    """
    with session() as opened:
        row = opened.get(Comparison, comparison_id, with_for_update={"of": Comparison})
        if row is None:
            raise _unknown(comparison_id)
        job = opened.get_one(Job, row.job_id)
        if job.status in LIVE:
            raise WrongState(f"Comparison {comparison_id} is {job.status}.", "Look at it instead.")
        if not view_of(row).resumable:
            raise WrongState(f"Comparison {comparison_id} has finished.", "Start another one.")
        again = queue.new_job("compare", {"comparison": comparison_id}, user)
        opened.add(again)
        opened.flush()
        row.job_id = again.id
    note(user, f"resumed comparison {comparison_id}", f"compare?comparison={comparison_id}")
    return get(comparison_id)


def get(comparison_id: int) -> ComparisonView:
    """Raises:
    NotFound: no comparison of that number.
    """
    with session() as opened:
        row = opened.get(Comparison, comparison_id)
        if row is None:
            raise _unknown(comparison_id)
        return view_of(row)


def list_comparisons(limit: int | None = None) -> list[ComparisonView]:
    """All comparisons, newest first."""
    with session() as opened:
        return [view_of(row) for row in opened.scalars(select(Comparison).order_by(Comparison.id.desc()).limit(limit))]


def questions(comparison_id: int) -> list[dict[str, Any]]:
    """What is asked: `row_id`, `messages` up to the answer, `reference`; none before the job has begun."""
    return list(files.read_questions(comparison_id))


def outputs(comparison_id: int) -> dict[str, list[Any]]:
    """Every column of the answers that all sides gave, in order of the row ids; none while there are none."""
    if not files.has_outputs(comparison_id):
        return {}
    return files.columns(comparison_id, files.column_names(comparison_id))


def scores(view: ComparisonView, metric: str, side: str, clean: bool = True) -> tuple[list[int], Scores]:
    """Row ids, and the scores of one side by one metric.

    Args:
        clean: leave out the rows that leaked, unless all did: what the headline figures are made of.

    Raises:
        NotFound: it has no such side or metric.
        StorageError: the stored answers are gone.
    """
    if metric not in view.metrics or side not in view.sides:
        raise NotFound(
            f"Comparison {view.id} has no {metric} of {side}.",
            f"Metrics: {', '.join(view.metrics)}; sides: {', '.join(view.sides)}.",
        )
    wanted = ["row_id", "leaked", f"{metric}|{side}", f"{metric}#sums|{side}"]
    columns = files.columns(view.id, wanted)
    spec = view.metrics[metric]
    found = from_columns(spec, side, columns)
    rows: list[int] = columns["row_id"]
    leaked = columns.get("leaked", [False] * len(rows))
    kept = [position for position in range(len(rows)) if not (clean and leaked[position])]
    if clean and not kept:
        kept = list(range(len(rows)))
    return [rows[position] for position in kept], take(spec, found, kept)


def _unknown(comparison_id: int) -> NotFound:
    return NotFound(f"There is no comparison {comparison_id}.", "`comparisons` and the Compare page list them.")
