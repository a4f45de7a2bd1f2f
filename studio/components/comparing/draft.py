"""What a person has put together for a comparison, what is wrong with it, and the same as a command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lib.data import datasets
from lib.errors import BadSettings, StudioError
from lib.evaluation import comparisons, prompt_sets, sides
from lib.evaluation.comparisons import CompareConfig, ComparisonView
from lib.evaluation.metrics import DEFAULT_METRICS
from lib.evaluation.pace import Pace, about
from lib.evaluation.sides import Side
from lib.training import runs

DEFAULTS = {one.name: one.default for one in fields(CompareConfig)}
OPTIONS = {
    "limit": "--limit",
    "max_new_tokens": "--max-new-tokens",
    "temperature": "--temperature",
    "top_p": "--top-p",
    "seed": "--seed",
    "repeats": "--repeats",
    "system": "--system",
}
OWN_TEMPLATE = "its own"
LIKE_THE_RUN = "as the first run"


@dataclass(frozen=True)
class Draft:
    """`models`: other models -> template. `data` and `split`, or `prompt_set`, or a file's path: what is asked."""

    runs: tuple[str, ...] = ()
    base: bool = True
    models: dict[str, str] = field(default_factory=dict)
    data: str = ""
    split: str = ""
    prompt_set: str = ""
    upload: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def faults(self) -> dict[str, str]:
        """What is wrong, all of it: field -> what. `who`, `data` and the names of settings."""
        found = {}
        if self._sides < 2:
            found["who"] = "needs two sides: a run with its base, or more runs and models"
        if not (self.upload or self.prompt_set or (self.data and self.split)):
            found["data"] = "say what is asked"
        try:
            CompareConfig(**self.settings)
        except BadSettings as error:
            found |= error.faults
        return found

    def sides(self) -> list[Side]:
        """The other models.

        Raises:
            StudioError: a model or template that cannot be used.
        """
        like = sides.run_side(self.runs[0]) if self.runs else None
        found = []
        for model, template in self.models.items():
            named = "" if template in (OWN_TEMPLATE, LIKE_THE_RUN) else template
            found.append(sides.model_side(model, named, like=like if template == LIKE_THE_RUN else None))
        return found

    def start(self, user: str) -> ComparisonView:
        """Queue it; an uploaded file becomes a prompt set first.

        Raises:
            StudioError: what `faults` cannot see, such as a model that cannot be read.
        """
        others = self.sides()
        config = CompareConfig(**self.settings)
        asked = self.prompt_set
        if self.upload:
            asked = prompt_sets.free_name(Path(self.upload).name.split(".")[0])
            prompt_sets.add_file(Path(self.upload), asked, user)
        return comparisons.create(
            self.runs, self.data or None, self.split, config, user, prompt_set=asked, models=others, base=self.base
        )

    def pace(self) -> Pace | None:
        """About how long it will take; None where that is not known, as of a file whose prompts are not counted yet."""
        try:
            asked = self._questions()
            bases = {*self.models, *(runs.get(run).model for run in self.runs)}
            config = CompareConfig(**self.settings)
        except StudioError:  # what is wrong stands beside its field
            return None
        asked = min(asked, config.limit or asked)
        return about(bases, asked * self._sides, config, self.runs[0] if self.runs else "") if asked else None

    def _questions(self) -> int:
        if self.prompt_set:
            return prompt_sets.get(self.prompt_set).prompts
        return datasets.get(self.data).splits.get(self.split, 0) if self.data and not self.upload else 0

    @property
    def _sides(self) -> int:
        return len(self.runs) + len(self.models) + bool(self.runs and self.base)

    def command(self) -> str:
        """The same from a terminal."""
        words = ["python", "-m", "studio", "compare", *self.runs]
        for model, template in self.models.items():
            named = {OWN_TEMPLATE: f"{model}=model", LIKE_THE_RUN: model}.get(template, f"{model}={template}")
            words += ["--model", named]
        if not self.base:
            words.append("--no-base")
        if self.upload or self.prompt_set:
            words += ["--prompts", Path(self.upload).name if self.upload else self.prompt_set]
        else:
            words += ["--data", self.data, "--split", self.split]
        for name, option in OPTIONS.items():
            value = self.settings.get(name, DEFAULTS[name])
            if value != DEFAULTS[name]:
                words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
        metrics = tuple(self.settings.get("metrics", DEFAULT_METRICS))
        if metrics != DEFAULT_METRICS:
            words += [word for metric in metrics for word in ("--metric", metric)]
        return shlex.join(words)


def data_of(run: str) -> str:
    """What a run was trained on; empty where it is not known."""
    try:
        return runs.get(run).data_ref
    except StudioError:
        return ""
