"""Sides of a comparison: who answers. A base, a run's adapter on its base, or any other model with its own template.

base, tuned = sides_of(["gentle-otter"], [])
tuned.name, tuned.model, tuned.run, tuned.template       # gentle-otter starter gentle-otter llama2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any

from lib import models
from lib.errors import BadInput, WrongState
from lib.formats import Template, get_template, load_tokenizer, stored_template
from lib.training import runs
from lib.training.config import QUANTIZATIONS


@dataclass(frozen=True, slots=True)
class Side:
    """One model that answers. `name` tells it from the others: a model's name, or a run's id."""

    name: str
    model: str
    run: str | None
    """The run whose adapter is put onto the model; None: the model as it is."""
    quantization: str
    template: str
    source: str = ""
    """Of a template that somebody wrote here, its text as it was when the side was chosen."""
    escape: bool = False
    """Marks of the format inside messages are written with a backslash."""

    @property
    def renderer(self) -> Template:
        return stored_template(self.template, self.source)

    @property
    def base(self) -> tuple[str, str]:
        """What has to be loaded for it: sides that share it are asked together."""
        return self.model, self.quantization

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Side:
        return cls(**stored)


def run_side(run_id: str) -> Side:
    """A run's adapter, asked as it was trained.

    Raises:
        NotFound: no such run.
        WrongState: it has no adapter yet.
    """
    view = runs.get(run_id)
    if not view.has_adapter:
        raise WrongState(f"The run {view.id} is {view.status} and has no adapter.", "Wait for it, or choose another.")
    renderer = view.renderer
    return Side(
        view.id, view.model, view.id, view.config.quantization, view.template, renderer.source, view.config.escape_tags
    )


def base_side(tuned: Side) -> Side:
    """The base of a run's side, asked with the template that the run was trained in."""
    return replace(tuned, name=tuned.model, run=None)


def model_side(model: str, template: str = "", quantization: str = "none", like: Side | None = None) -> Side:
    """Another model.

    Args:
        template: empty takes the template of `like`; without that, the model's own chat template.

    Raises:
        NotFound: no such model or template.
        ModelError: the model cannot be used.
        BadInput: no template is named and the model has none of its own, or no such way to hold a model.
    """
    found = models.find(model).check()
    if quantization not in QUANTIZATIONS:
        raise BadInput(f"{quantization!r} is no way to hold a model.", f"Use one of: {', '.join(QUANTIZATIONS)}.")
    if not template and like is not None:
        return Side(model, model, None, quantization, like.template, like.source, like.escape)
    if not template and load_tokenizer(found.path).chat is None:
        raise BadInput(f"{model} has no chat template of its own.", "Say in which template it is asked.")
    chosen = get_template(template or "model")
    return Side(model, model, None, quantization, chosen.name, chosen.source)


def sides_of(run_ids: Sequence[str], others: Sequence[Side], base: bool = True) -> list[Side]:
    """All sides under names of their own, the reference first: the base of the first run, then runs, then others.

    The same side twice is taken once.

    Raises:
        NotFound, WrongState: see `run_side`.
        BadInput: fewer than two sides.
    """
    tuned = [run_side(run_id) for run_id in dict.fromkeys(run_ids)]
    first = [base_side(tuned[0])] if tuned and base else []
    found = list(_named([*first, *tuned, *others]))
    if not found:
        raise BadInput("There is no run to compare.", "Name at least one, or two models.")
    if len(found) < 2:
        raise BadInput(f"{found[0].name} stands alone: there is nothing to compare it with.", "Name another side.")
    return found


def _named(sides: Sequence[Side]) -> Iterator[Side]:
    taken: set[str] = set()
    seen: set[Side] = set()
    for side in sides:
        if side in seen:
            continue
        seen.add(side)
        ways = (side.name, f"{side.name} ({side.quantization})", f"{side.name} ({side.template})")
        more = (f"{side.name} ({number})" for number in count(2))
        name = next(name for name in (*ways, *(next(more) for _ in sides)) if name not in taken)
        taken.add(name)
        yield replace(side, name=name)
