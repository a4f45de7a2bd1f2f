"""Settings of a run. Keys are TRL's and PEFT's own names where they have one; every fault is reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from lib.errors import BadSettings
from lib.formats.fitting import POLICIES
from lib.training.values import read as values_of

QUANTIZATIONS = ("none", "nf4", "int8")
LONG_ROWS = tuple(POLICIES)
SCHEDULES = ("linear", "cosine", "constant")
INITS = ("default", "gaussian", "orthogonal")
AUTO = "auto"
AUTO_ROWS = 4  # of a step, where the batch is left to the plan
CHECKPOINTING = (AUTO, "on", "off")
OPTIMIZERS = (  # those of transformers that need no other library
    "adamw_torch",
    "adamw_8bit",
    "paged_adamw_8bit",
    "paged_adamw_32bit",
    "adafactor",
    "sgd",
    "adagrad",
    "rmsprop",
    "lion_8bit",
    "lion_32bit",
    "paged_lion_8bit",
    "ademamix",
    "ademamix_8bit",
)
PRECISIONS = (AUTO, "bf16", "fp16", "fp32")


@dataclass(frozen=True)
class TrainConfig:
    """A docstring under each field says what it is, with its unit; the Train page shows the same text.

    Raises:
        BadSettings: values that cannot be used, all of them together.
    """

    max_steps: int = 40
    """How many times the model is corrected: more learn more and take longer. 0: as many as `num_train_epochs` asks
    for."""
    num_train_epochs: float = 1.0
    """Passes over the training rows; used only when `max_steps` is 0."""
    learning_rate: float = 1e-3
    """How much each step changes, usually 1e-4 to 1e-3: take a third of it where the loss jumps or rises, three times
    as much where it hardly falls."""
    per_device_train_batch_size: int = 4
    """Rows computed at once. More is faster and takes more memory; 0 or auto: as many of 4 rows as fit, the others of
    the same step after them."""
    gradient_accumulation_steps: int = 1
    """Batches that make up one step: raise it for calmer steps where no larger batch fits in memory; each step then
    takes so many times longer."""
    max_length: int = 512
    """Longest row in tokens; what happens to longer ones is `long_rows`."""
    long_rows: str = "drop"
    """What to do with rows over `max_length`: drop them, cut their end off (the model then never sees it stop), take
    their oldest turns away, or split them into several."""
    escape_tags: bool = False
    """Write marks of the format inside messages with a backslash instead of leaving such rows out."""
    packing: bool = False
    """Put several short rows together up to `max_length`, without mixing them: turn it on where most rows are much
    shorter than that."""
    group_by_length: bool = False
    """Make batches of rows that are alike in length: less padding, at the price of a less random order."""
    r: int = 16
    """How much the adapter can learn (its rank): 8 to 16 is enough for a style or a narrow subject, 64 for much new
    material; more takes more memory."""
    lora_alpha: int = 32
    """How strongly the adapter acts on the model: keep it at one or two times `r`, and change the learning rate
    instead."""
    lora_dropout: float = 0.0
    """Share of the adapter's inputs left out at random (0 to 1): try 0.05 to 0.1 where few rows are learned by
    heart."""
    target_modules: str = "all-linear"
    """Layers that get an adapter: all-linear, or names separated by commas such as q_proj,v_proj."""
    use_rslora: bool = False
    """Scale the adapter by lora_alpha / sqrt(r) rather than lora_alpha / r (rsLoRA): steadier at high ranks."""
    use_dora: bool = False
    """Learn length and direction of the weights apart (DoRA): often a little better, slower, more memory."""
    init_lora_weights: str = "default"
    """How the adapter starts: default (no effect at the first step, uniform), gaussian, or orthogonal."""
    quantization: str = "none"
    """How the base is held in memory: none, nf4 (4 bits, QLoRA) or int8."""
    precision: str = "auto"
    """Numbers that are computed with: bf16, fp16 or fp32; auto: bf16 where GPU or CPU has units for it, else fp16 on a
    GPU and fp32 on a CPU."""
    gradient_checkpointing: str = "auto"
    """Save memory by computing parts of each step twice, which takes about a third longer; auto does so only where
    the memory would not do without."""
    optim: str = "adamw_torch"
    """Optimizer, by its name in transformers. Those in 8 bits take less memory and need a GPU."""
    lr_scheduler_type: str = "linear"
    """How the learning rate falls after the first steps: linear or cosine suit nearly always, constant keeps it as it
    is."""
    warmup_steps: float = 0.1
    """First steps, over which the learning rate rises from 0 so that the start does no harm: leave it at 0.1, a tenth
    of all steps; 1 or more counts steps."""
    weight_decay: float = 0.0
    """Draws what was learned back a little at each step: leave it at 0, or try 0.01 where rows are learned by
    heart."""
    max_grad_norm: float = 1.0
    """Largest change that one step may ask for: 1 guards against sudden jumps; lower it where the loss still
    jumps."""
    eval_rows: int = 32
    """Held-out rows on which the loss is measured at the start, on the way and at the end."""
    eval_split: str = ""
    """Split that these rows come from; empty: validation where there is one, else test."""
    eval_steps: float = 0.5
    """Steps between two such measurements; below 1 it is a share of all steps."""
    early_stopping_patience: int = 0
    """End the run, and keep its best state, when so many measurements running have brought nothing; 0: never."""
    save_steps: float = 0.0
    """Steps between two checkpoints, from which an interrupted run goes on; below 1 a share of all steps; 0: about
    every two minutes."""
    sample_prompts: str = ""
    """Questions, one a line, that are answered at each measurement so that one can read along; empty: that of the
    first held-out row."""
    sample_tokens: int = 40
    """Longest such answer in tokens; 0: no samples."""
    min_answer_tokens: int = 0
    """Leave out rows whose answers are shorter than this, in tokens."""
    max_answer_tokens: int = 0
    """Leave out rows whose answers are longer than this, in tokens; 0 means no limit."""
    train_on_prompt: bool = False
    """Learn the questions too, not only the answers."""
    seed: int = 42
    """Start of all random choices: adapter weights and order of rows."""

    def __post_init__(self) -> None:
        faults = {name: text for name, text in self._checks() if text}
        if faults:
            raise BadSettings(faults)

    def _checks(self) -> list[tuple[str, str]]:
        def at_least(name: str, low: float) -> tuple[str, str]:
            return name, "" if getattr(self, name) >= low else f"must be {low} or more"

        def among(name: str, allowed: tuple[str, ...]) -> tuple[str, str]:
            return name, "" if getattr(self, name) in allowed else f"must be one of {', '.join(allowed)}"

        return [
            at_least("max_steps", 0),
            ("num_train_epochs", "" if self.max_steps or self.num_train_epochs > 0 else "must be above 0"),
            ("learning_rate", "" if 0 < self.learning_rate < 1 else "must be between 0 and 1"),
            at_least("per_device_train_batch_size", 0),
            at_least("gradient_accumulation_steps", 1),
            at_least("max_length", 8),
            among("long_rows", LONG_ROWS),
            at_least("r", 1),
            at_least("lora_alpha", 1),
            ("lora_dropout", "" if 0 <= self.lora_dropout < 1 else "must be from 0 to below 1"),
            ("target_modules", "" if self.target_modules.strip() else "must name at least one module"),
            among("init_lora_weights", INITS),
            among("quantization", QUANTIZATIONS),
            among("precision", PRECISIONS),
            among("gradient_checkpointing", CHECKPOINTING),
            among("optim", OPTIMIZERS),
            among("lr_scheduler_type", SCHEDULES),
            at_least("warmup_steps", 0),
            at_least("weight_decay", 0),
            ("max_grad_norm", "" if self.max_grad_norm > 0 else "must be above 0"),
            at_least("eval_rows", 1),
            ("eval_steps", "" if self.eval_steps > 0 else "must be above 0"),
            ("eval_steps", "" if self.eval_steps <= 1 or self.eval_steps % 1 == 0 else "must be whole above 1"),
            at_least("early_stopping_patience", 0),
            at_least("save_steps", 0),
            at_least("sample_tokens", 0),
            ("group_by_length", "cannot go with packing" if self.group_by_length and self.packing else ""),
            at_least("min_answer_tokens", 0),
            (
                "max_answer_tokens",
                "must be 0 (no limit) or not below min_answer_tokens"
                if 0 < self.max_answer_tokens < self.min_answer_tokens or self.max_answer_tokens < 0
                else "",
            ),
            at_least("seed", 0),
        ]

    @property
    def rows_per_step(self) -> int:
        return (self.per_device_train_batch_size or AUTO_ROWS) * self.gradient_accumulation_steps

    @property
    def modules(self) -> str | list[str]:
        """`target_modules` as PEFT takes it."""
        names = [name.strip() for name in self.target_modules.split(",") if name.strip()]
        return "all-linear" if names == ["all-linear"] else names

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> TrainConfig:
        """Build from `key: value` pairs whose values may be text, as `--set key=value` gives them.

        Raises:
            BadSettings: unknown keys, values of the wrong kind, values that cannot be used or meant; all at once.
        """
        kinds = {field.name: type(field.default) for field in fields(cls)}
        values, faults = values_of(settings, kinds)
        if values.get("num_train_epochs") and "max_steps" not in values:
            values["max_steps"] = 0  # who asks for epochs means epochs
        try:
            config = cls(**values)
        except BadSettings as error:
            faults = {**faults, **error.faults}
        if faults:
            raise BadSettings(faults)
        return config


def field_help() -> dict[str, str]:
    """Each setting's name and the text under it in `TrainConfig`, read from the source: one place to write it."""
    import ast
    import inspect
    import itertools
    import textwrap

    definition = ast.parse(textwrap.dedent(inspect.getsource(TrainConfig))).body[0]
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    texts: dict[str, str] = {}
    for line, following in itertools.pairwise(body):
        match line, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = text
    return texts
