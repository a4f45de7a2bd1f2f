"""compare: base and tuned models on a split."""

from __future__ import annotations

from typing import Annotated

import typer

from lib.evaluation import comparisons
from lib.evaluation.comparisons import CompareConfig
from lib.evaluation.metrics import METRICS
from lib.settings import settings
from studio.commands.output import AsJson, emit, follow, say, table


def register(app: typer.Typer) -> None:
    app.command("compare")(compare)


def compare(
    run: Annotated[list[str], typer.Argument(help="Run ids.")],
    data: Annotated[str | None, typer.Option(help="dataset or dataset@version; the run's own by default.")] = None,
    split: Annotated[str, typer.Option(help="Split whose rows are asked.")] = "test",
    limit: Annotated[int, typer.Option(help="Rows at most; 0 takes all.", min=0)] = 0,
    metric: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(METRICS)}; repeatable.")] = None,
    json: AsJson = False,
) -> None:
    """Let base and tuned models answer held-out rows, and say which is better and how sure that is."""
    config = CompareConfig(limit=limit, metrics=tuple(metric or METRICS))
    view = comparisons.create(run, data, split, config, settings.user)
    say(f"comparison {view.id} on {view.data_ref} {split}")
    follow(view.job.id)
    view = comparisons.get(view.id)
    if json:
        emit(view.to_dict())
        return
    if not view.result:
        print(f"comparison {view.id}: {view.status}")
        return
    models = list(view.result["models"])
    table(
        ["metric", *models],
        [
            [METRICS[name].label, *(f"{view.result['models'][model][name]['mean']:.3f}" for model in models)]
            for name in view.config["metrics"]
        ],
    )
    for pair in view.result["pairs"]:
        print(f"{pair['tuned']} against {pair['base']}: {pair['sentence']}")
