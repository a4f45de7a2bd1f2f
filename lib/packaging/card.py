"""README.md of a package: what the Hub reads, and what a person wants to know before they use the model.

The head is YAML: https://huggingface.co/docs/hub/model-cards. Texts of people and models stand in it as code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lib.data import datasets
from lib.errors import StudioError
from lib.export.markdown import code, fenced, table
from lib.packaging import curve
from lib.packaging.comparisons import Compared
from lib.packaging.names import base_id, base_name
from lib.training import runs
from lib.training.config import TrainConfig
from lib.training.runs import RunView

CARD, CURVE = "README.md", "loss.svg"
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_HUB_DATASET = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Facts:
    """What the card says beside what the run says of itself. `commands`: what they do -> command."""

    kind: str
    licence: str = ""
    parity: str = ""
    made: list[str] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)
    has_curve: bool = False


def model_card(view: RunView, facts: Facts) -> str:
    """The text of README.md."""
    what = "LoRA adapter for" if facts.kind == "adapter" else "Fine-tuned from"
    parts = [
        f"---\n{_head(view, facts)}\n---",
        f"# {view.id}",
        f"{what} {code(base_name(view))}, made with Tandem.",
        f"## Use\n\n{_use(facts)}",
        f"## Data\n\n{_data(view)}",
        f"## Training\n\n{_training(view, facts)}",
    ]
    if facts.compared:
        parts.append(f"## Compared with its base\n\n{_compared(facts.compared)}")
    made = [*([f"Adapter on base against this merged model: {facts.parity}"] if facts.parity else []), *facts.made]
    parts.append(f"## How it was packaged\n\n{_lines(made)}")
    parts.append(f"## Repeat it\n\n{_repeat(view)}")
    parts.append(f"## Licence\n\n{code(facts.licence) if facts.licence else 'Unknown: nobody has said.'}")
    return "\n\n".join(parts) + "\n"


def _head(view: RunView, facts: Facts) -> str:
    from huggingface_hub import ModelCardData

    licence = facts.licence.strip()
    known = _LICENCE.fullmatch(licence.lower())
    source = _source(view)
    head = ModelCardData(
        base_model=base_id(view) or None,
        base_model_relation=("adapter" if facts.kind == "adapter" else "finetune") if base_id(view) else None,
        library_name="peft" if facts.kind == "adapter" else "transformers",
        pipeline_tag="text-generation",
        license=licence.lower() if known else "other" if licence else None,
        license_name=licence if licence and not known else None,
        datasets=[source] if _HUB_DATASET.fullmatch(source) else None,
        tags=["tandem", "lora"],
        ignore_metadata_errors=False,
    )
    return str(head.to_yaml()).strip()


def _source(view: RunView) -> str:
    """Where the data came from; of a file, its name: the rest of its path is nobody else's business."""
    try:
        source = datasets.get(view.data_ref).source
    except StudioError:
        return ""
    plain = source.partition(":")[0].partition("@")[0]
    return plain if _HUB_DATASET.fullmatch(plain) else source.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _use(facts: Facts) -> str:
    return "\n\n".join(f"{what}:\n\n{fenced(command, 'sh')}" for what, command in facts.commands.items())


def _data(view: RunView) -> str:
    try:
        info = datasets.get(view.data_ref)
    except StudioError:
        return "Unknown: the adapter was made elsewhere, or its data is gone."
    rows = view.summary.get("rows", {})
    lines = [
        f"Data set {code(info.name)}, version {info.version}, {info.rows:,} rows; content {code(info.hash)}.",
        f"Source: {code(_source(view))}, read as {code(info.label)}.",
        "Licence of the data: not recorded.",
    ]
    if rows:
        lines.append(
            f"To learn from: {rows.get('train_rows', 0):,} rows ({rows.get('train_tokens', 0):,} tokens, "
            f"{rows.get('trained_tokens', 0):,} of them answers); {_seen(view)}measured on "
            f"{rows.get('eval_rows', 0):,} held out."
        )
        lines += [f"{count:,} left out: {code(reason)}" for reason, count in rows.get("left_out", {}).items()]
    return _lines(lines)


def _seen(view: RunView) -> str:
    """How often the run came by them: a short one sees a part."""
    tokens, all_tokens = view.summary.get("tokens"), view.summary.get("rows", {}).get("train_tokens")
    return f"{tokens / all_tokens:.2g} passes over them; " if tokens and all_tokens else ""


def _training(view: RunView, facts: Facts) -> str:
    summary = view.summary
    lines = [f"Template: {code(view.template)}; base held as: {code(view.config.quantization)}."]
    if "steps" in summary:
        lines.append(
            f"{summary['steps']:,} steps, {summary['tokens']:,} tokens, {summary['seconds']:,.0f} s on "
            f"{code(str(summary.get('device', 'an unknown device')))}."
        )
    parts = [_lines(lines), _settings(view)]
    metrics = runs.metrics(view.id)
    loss = curve.thinned(curve.points(metrics, "loss"))
    held_out = dict(curve.thinned(curve.points(metrics, "eval_loss")))
    if loss:
        steps = sorted({*dict(loss), *held_out})
        rows = [[f"{step:,}", _figure(dict(loss).get(step)), _figure(held_out.get(step))] for step in steps]
        parts.append(table(["step", "training loss", "held-out loss"], rows))
    if facts.has_curve:
        parts.append(f"![Loss over the steps of the run]({CURVE})")
    return "\n\n".join(parts)


def _settings(view: RunView) -> str:
    """Those that say most, and all that differ from the defaults."""
    settings, defaults = view.config.to_dict(), TrainConfig().to_dict()
    always = ("learning_rate", "max_steps", "r", "lora_alpha", "target_modules", "quantization", "max_length", "seed")
    names = [name for name in settings if name in always or settings[name] != defaults[name]]
    return table(["setting", "value"], [[code(name), code(str(settings[name]))] for name in names])


def _compared(compared: list[Compared]) -> str:
    parts = []
    for one in compared:
        rows = [
            [
                code(pair.metric),
                _figure(pair.base),
                _figure(pair.tuned),
                _range(pair.low, pair.high),
                code(pair.verdict),
            ]
            for pair in one.pairs
        ]
        where = f"{code(one.data)}, {code(one.split)}: {one.rows:,} rows, {code(one.decoding)}."
        parts.append(f"{where}\n\n{table(['metric', 'base', 'tuned', 'difference (95 %)', 'verdict'], rows)}")
    return "\n\n".join(parts)


def _repeat(view: RunView) -> str:
    summary = view.summary
    command = summary.get("command") or (
        "" if summary.get("adopted_from") else runs.command_line(view.data_ref, view.model, view.template, view.config)
    )
    parts = [fenced(command, "sh")] if command else ["The adapter was made elsewhere."]
    facts = [f"{code(name)} {code(str(value))}" for name, value in summary.get("versions", {}).items()]
    lines = [f"Libraries: {', '.join(facts)}."] if facts else []
    if git := summary.get("git"):
        changed = ", with changes that are not committed" if git.get("dirty") else ""
        lines.append(f"Studio: commit {code(str(git.get('commit')))}{changed}.")
    if digest := summary.get("base_sha256"):
        lines.append(f"Base: sha256 {code(str(digest))}.")
    return "\n\n".join([*parts, *([_lines(lines)] if lines else [])])


def _lines(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _range(low: float | None, high: float | None) -> str:
    return f"{_figure(low)} to {_figure(high)}" if low is not None and high is not None else ""
