"""compare: models side by side on a split or on prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lib.database.models import STOPPED
from lib.errors import BadInput, NotFound
from lib.evaluation import comparisons, history, prompt_sets, sides
from lib.evaluation.best import best_in_words
from lib.evaluation.comparisons import CompareConfig, ComparisonView
from lib.evaluation.metrics import DEFAULT_METRICS, METRICS
from lib.evaluation.report import export_html
from lib.evaluation.sides import Side
from lib.jobs import worker
from lib.settings import settings
from lib.storage import disk_errors
from studio.commands.output import STOPPED_STATUS, AsJson, JobFailed, emit, follow, say, table

EXPORTS = {".csv": history.export_csv, ".json": history.export_json, ".html": export_html}
Export = Annotated[Path | None, typer.Option(help="Also write it all to this file: .csv, .json, or .html to read.")]
METRIC_HELP = f"One of {', '.join(METRICS)}, rule:NAME or folder:NAME; repeatable."


def register(app: typer.Typer) -> None:
    app.command("compare")(compare)


def compare(
    run: Annotated[list[str] | None, typer.Argument(help="Run ids; the base of the first is the reference.")] = None,
    data: Annotated[str | None, typer.Option(help="dataset or dataset@version; the run's own by default.")] = None,
    split: Annotated[str, typer.Option(help="Split whose rows are asked.")] = "test",
    prompts: Annotated[str | None, typer.Option(help="A prompt set, or a file of prompts, to ask instead.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Another model, MODEL or MODEL=TEMPLATE; repeatable.")] = None,
    base: Annotated[bool, typer.Option(help="Ask the base of the first run too.")] = True,
    limit: Annotated[int, typer.Option(help="Questions at most; 0 takes all.", min=0)] = 0,
    metric: Annotated[list[str] | None, typer.Option(help=METRIC_HELP)] = None,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 96,
    temperature: Annotated[float, typer.Option(help="0: greedy; above it tokens are drawn.", min=0)] = 0.0,
    top_p: Annotated[float, typer.Option(help="Draw from the likeliest tokens of this share.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Start of what is drawn.", min=0)] = 0,
    repeats: Annotated[int, typer.Option(help="Ask so often, each time with the next seed.", min=1)] = 1,
    system: Annotated[str, typer.Option(help="A system prompt for questions that have none.")] = "",
    resume: Annotated[int | None, typer.Option(help="Go on with this comparison; takes nothing else.")] = None,
    export: Export = None,
    detach: Annotated[bool, typer.Option("--detach", help="Queue the comparison and return at once.")] = False,
    json: AsJson = False,
) -> None:
    """Let models answer the same questions, and say which is better and how sure that is."""
    if not (run or model or resume is not None):
        raise typer.BadParameter("Name a run, or two models with --model.")
    if export is not None:
        if detach:
            raise BadInput("--export needs the result, --detach does not wait for it.", "Use `comparison ID --export`.")
        check_export(export)
    if resume is not None:
        if run or data or prompts or model:
            raise BadInput("--resume goes on with what a comparison asked before.", "Give its number alone.")
        view = comparisons.resume(resume, settings.user)
    else:
        config = CompareConfig(
            limit, tuple(metric or DEFAULT_METRICS), max_new_tokens, temperature, top_p, seed, repeats, system
        )
        asked = _prompt_set(prompts) if prompts else ""
        view = comparisons.create(
            run or [],
            data,
            split,
            config,
            settings.user,
            prompt_set=asked,
            models=_models(run or [], model or []),
            base=base,
        )
    say(f"comparison {view.id} on {view.asked}")
    if detach:
        worker.ensure()
        emit({"comparison": view.id, "status": view.status}) if json else print(view.id)
        return
    until_it_ends(view, json, export)


def until_it_ends(view: ComparisonView, json: bool, export: Path | None = None) -> None:
    """Follow a comparison, then say what came out; Ctrl-C stops it and keeps what is answered."""
    try:
        follow(view.job.id)
    except JobFailed as failed:
        raise JobFailed({"comparison": view.id, **failed.error}) from None
    view = comparisons.get(view.id)
    if export is not None:
        write_export(view.id, export)
    emit(view.to_dict()) if json else show(view)
    if view.status == STOPPED:
        raise typer.Exit(STOPPED_STATUS)


def check_export(path: Path) -> None:
    """Raises:
    BadInput: a file of no kind that can be written, or of a folder that is not there.
    """
    if path.suffix.lower() not in EXPORTS:
        raise BadInput(f"{path.name} ends in none of {', '.join(EXPORTS)}.", "Name the file so.")
    folder = path.expanduser().parent
    if not folder.is_dir():
        what = f"{path.parent} is no folder." if folder.exists() else f"There is no folder {path.parent}."
        raise BadInput(what, "Make it first, or name another.")


def write_export(comparison_id: int, path: Path, base: str = "") -> None:
    """Write a comparison to a file of the kind that its name ends in; a report measures against `base`."""
    kind = path.suffix.lower()
    written = export_html(comparison_id, base=base) if kind == ".html" else EXPORTS[kind](comparison_id)
    target = path.expanduser()
    with disk_errors(target):
        target.write_bytes(written)


def _models(run_ids: list[str], asked: list[str]) -> list[Side]:
    """Sides of `MODEL` and `MODEL=TEMPLATE`; without a template, that of the first run."""
    like = sides.run_side(run_ids[0]) if run_ids and asked else None
    found = []
    for one in asked:
        model, _, template = one.partition("=")
        found.append(sides.model_side(model, template, like=None if template else like))
    return found


def _prompt_set(name: str) -> str:
    """A prompt set's name; of a file, the name of the set that it becomes."""
    if any(one.name == name for one in prompt_sets.list_sets()) or not Path(name).expanduser().is_file():
        if "/" in name:
            raise NotFound(f"There is no file {name}.", "Check its path; `prompts` lists the prompt sets.")
        return prompt_sets.get(name).name
    path = Path(name).expanduser()
    wanted = prompt_sets.free_name(path.stem)
    added = prompt_sets.add_file(path, wanted, settings.user)
    refused = f", {sum(added.refused.values())} rows refused (the first is {added.first})" if added.refused else ""
    say(f"kept as prompt set {wanted}: {added.added} prompts, {added.with_reference} with a reference{refused}")
    return wanted


def show(view: ComparisonView) -> None:
    """Figures, differences and verdicts on standard output, warnings on standard error."""
    if not view.result:
        print(f"comparison {view.id}: {view.status}")
        return
    models = view.result["models"]
    table(
        ["metric", *models],
        [
            [spec.label, *(_figure(by_metric.get(name, {}).get("mean"), spec.digits) for by_metric in models.values())]
            for name, spec in view.metrics.items()
        ],
    )
    if leaders := best_in_words(view):
        print(leaders)
    for pair in view.result["pairs"]:
        print(f"{pair['tuned']} against {pair['base']}: {pair['sentence']}")
    for tuned, verdict in view.result["verdicts"].items():
        print(f"{tuned}: {verdict['sentence']}")
    for warning in view.result["warnings"]:
        say(f"note: {warning['text']}")


def _figure(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
