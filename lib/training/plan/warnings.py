"""What to know before a run starts, and what speaks against starting it at all."""

from __future__ import annotations

from collections.abc import Iterator

from lib.data.datasets import DatasetInfo
from lib.data.versions import unsaved
from lib.devices import Device
from lib.formats import ModelTokenizer, get_template, render
from lib.formats.render import REFUSALS
from lib.formats.segments import text_of
from lib.models import ModelInfo
from lib.records import Conversation, Message
from lib.training.config import TrainConfig
from lib.training.plan.leaks import given_away
from lib.training.plan.memory import Memory
from lib.training.plan.pace import Pace
from lib.training.plan.records import Proposal, Warning
from lib.training.plan.rows import Rows
from lib.training.plan.shapes import Shape
from lib.training.rows import held_out
from lib.words import counted, memory

FEW_ROWS, MANY_EPOCHS, DROPPED = 50, 5.0, 0.05
USUAL_SCALE = 2  # alpha over rank
LARGE_MODEL = 1_000_000_000  # parameters, from which on learning rates are smaller
_PAIR = Conversation((Message("user", "Question"), Message("assistant", "Answer")))


def faults_of(
    found: ModelInfo, shape: Shape, config: TrainConfig, rows: Rows, needed: Memory, proposals: tuple[Proposal, ...]
) -> dict[str, str]:
    """Setting or part -> why the run cannot start."""
    faults: dict[str, str] = {}
    if found.problem:
        faults["model"] = f"The model cannot be trained: {found.problem} {found.remedy}"
    if missing := shape.missing(config.modules):
        names = ", ".join(("all-linear", *shape.module_names))
        faults["target_modules"] = f"The model has no layers named {', '.join(missing)}. It can be some of: {names}."
    if config.precision == "fp16" and not needed.on_gpu:
        faults["precision"] = "fp16 needs a GPU. Leave precision at auto, or take bf16 or fp32."
    if not rows.used:
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in rows.left_out.items())
        faults["rows"] = f"No row can be trained on: {reasons or 'the train split is empty'}."
    if not needed.fits:
        nearest = f" {proposals[0].why}" if proposals else " Nothing that can be changed here makes it fit."
        there = f"{memory(needed.usable)} of the {memory(needed.free)} that are free can be used"
        faults["memory"] = f"It needs {memory(needed.needed)}, and {there}.{nearest}"
    return faults


def warnings_of(
    info: DatasetInfo,
    shape: Shape,
    tokenizer: ModelTokenizer,
    template: str,
    config: TrainConfig,
    rows: Rows,
    pace: Pace,
    device: Device,
) -> Iterator[Warning]:
    """The weightier first."""
    yield from _of_rows(info, config, rows, pace)
    yield from _of_template(tokenizer, template)
    yield from _of_settings(shape, config, device)


def _of_rows(info: DatasetInfo, config: TrainConfig, rows: Rows, pace: Pace) -> Iterator[Warning]:
    if edited := unsaved(info):
        yield Warning("rows", f"{counted(edited, 'row')} edited since: a run takes {info.ref} as it was saved.")
    if rows.used and rows.dropped_share > DROPPED:  # without any it is a fault, which says so
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in rows.left_out.items())
        yield Warning("rows", f"{rows.dropped_share:.0%} of the rows are left out: {reasons}.")
    if rows.cut:
        yield Warning("long_rows", f"{counted(rows.cut, 'row')} lose their end: the model does not see them stop.")
    if 0 < rows.used < FEW_ROWS:
        yield Warning("rows", f"{counted(rows.used, 'row')} are few: expect it to learn them by heart.")
    if pace.epochs > MANY_EPOCHS:
        yield Warning("max_steps", f"Every row is seen {pace.epochs:.1f} times: watch the held-out loss for a rise.")
    elif 0 < pace.epochs < 1:
        seen = f"{pace.epochs:.0%} of the rows are seen in {counted(pace.steps, 'step')}"
        yield Warning("max_steps", f"{seen}: enough for a first look, not for more.", mild=True)
    split = held_out(info, config)
    if known := given_away(info, split):
        yield Warning(
            "eval_split",
            f"{known:,} of {counted(info.splits[split], 'row')} of {split} ask what training rows ask, in the same "
            "words or nearly: the model will look better than it is. Deal the splits anew on Curate (Splits) first.",
        )
    if not rows.eval_rows:
        yield Warning("eval_split", f"The split {split} is empty: the loss is measured on no held-out rows.")
    if not rows.exact:
        yield Warning("rows", f"Figures of rows and tokens are {rows.source}.")


_OWN = (
    "The model was made to talk in a template of its own, not in {name}: before training it says little in {name}, and "
    "it has more to learn."
)


def _of_template(tokenizer: ModelTokenizer, template: str) -> Iterator[Warning]:
    """A model that was tuned to talk expects its own format."""
    if tokenizer.chat is None or template == "model":
        return
    try:
        own, chosen = (text_of(render(_PAIR, name, tokenizer)) for name in ("model", template))
    except REFUSALS:
        return
    if own.strip() != chosen.strip():
        name = get_template(template).name
        yield Warning("template", _OWN.format(name=name))


def _of_settings(shape: Shape, config: TrainConfig, device: Device) -> Iterator[Warning]:
    high = 5e-4 if shape.parameters > LARGE_MODEL or (config.r >= 64 and not config.use_rslora) else 2e-3
    if config.learning_rate > high:
        yield Warning("learning_rate", f"{config.learning_rate:g} is high for rank {config.r} here; {high:g} is usual.")
    elif config.learning_rate < 2e-5:
        yield Warning("learning_rate", f"{config.learning_rate:g} is low for LoRA, which takes 1e-4 to 1e-3.")
    if not config.use_rslora and (scale := config.lora_alpha / config.r) > USUAL_SCALE:
        told = f"Alpha {config.lora_alpha} at rank {config.r} counts what is learned {scale:g} times"
        usual = f"{USUAL_SCALE * config.r} goes with this rank, since alpha does not follow it by itself."
        yield Warning("lora_alpha", f"{told}; {usual}", mild=True)
    if shape.positions and config.max_length > shape.positions:
        yield Warning("max_length", f"The model was made for {shape.positions:,} tokens at most.")
    if config.precision == "bf16" and not device.bf16:
        yield Warning("precision", f"{device.name} computes bf16 slowly, as it has no units for it.")
    if config.quantization == "int8":
        yield Warning("quantization", "8 bits are slower than 4 bits and than none, and take more memory than 4 bits.")
    if config.early_stopping_patience and config.eval_steps >= (config.max_steps or float("inf")):
        yield Warning("early_stopping_patience", "There are too few measurements on the way to stop early.")
