"""Whether a merged model says what adapter and base say. Imports torch: not for the web process.

Both answer fixed prompts greedily. Then each is shown the adapter's answers, and the logits of every token of them are
compared: a merge that went wrong shows there long before it shows in texts.

An adapter on a base in 4 bits is asked on these 4 bits, as everywhere in the studio. In 8 bits not only weights but
every layer's inputs are rounded, which no merged model can repeat: there the adapter is asked on the same weights read
out in full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from lib.errors import ModelError
from lib.inference.generator import BASE, Generator, Request, Sampling
from lib.models import loading
from lib.packaging import merging

NEW_TOKENS = 32
ADAPTER = "adapter"
MOST_KL = 0.01
"""Nats, mean over all positions. Rounding of weights stays far below; see `tests/packaging`."""
TIE = 0.5
"""Logits. Where the adapter's first two choices are nearer than this, rounding may decide between them."""

Say = Callable[[int], None]
"""Told how many prompts are done."""


def with_adapter(base: Path, quantization: str, adapter: Path) -> Generator:
    """A base with the adapter `ADAPTER` on it.

    Raises:
        ModelError: one of them cannot be loaded, or the adapter changes nothing.
    """
    generator = Generator(base, quantization)
    if quantization == "int8":
        plain = merging.read_out(generator.model)
        generator.model = plain.to(loading.device_with_room(plain.num_parameters()))  # type: ignore[arg-type]
    generator.add_adapter(ADAPTER, adapter)
    if not generator.differs_from_base(ADAPTER, range(8)):
        raise ModelError("The adapter changes nothing: its run answers exactly as its base.", "Train it again.")
    return generator


@dataclass(frozen=True)
class Heard:
    """What a model did with the prompts: its greedy answers (ids), and logits at each place of the given answers.

    `logits`: one tensor a prompt, float32 on the CPU, [tokens of the answer + 1, vocabulary].
    """

    answers: list[list[int]]
    logits: list[torch.Tensor]


@dataclass(frozen=True)
class Parity:
    """Adapter on base against merged. `same`: prompts with the same greedy text, of `prompts`.

    `ties`: other prompts, where the texts part at a choice that was as good as even. `max_logit`, `mean_logit`:
    |difference of logits|. `kl`, `max_kl`: Kullback-Leibler divergence of the next token in nats, mean and largest,
    over `positions` tokens.
    """

    prompts: int
    same: int
    ties: int
    positions: int
    max_logit: float
    mean_logit: float
    kl: float
    max_kl: float

    @property
    def holds(self) -> bool:
        return self.same + self.ties == self.prompts and self.kl <= MOST_KL

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "sentence": self.sentence()}

    def sentence(self) -> str:
        """The figure in words, for card and command."""
        tied = f" ({self.ties} more part at a tie)" if self.ties else ""
        return (
            f"{self.same} of {self.prompts} greedy texts are the same{tied}; logits differ by {self.mean_logit:.2g} on "
            f"average and {self.max_logit:.2g} at most, the next token's distribution by {self.kl:.2g} nats."
        )


def listen(
    generator: Generator,
    prompts: Sequence[Sequence[int]],
    stop_ids: Sequence[int],
    say: Say,
    given: Sequence[Sequence[int]] | None = None,
    adapter: str = BASE,
) -> Heard:
    """Ask a model, or the adapter on it, the prompts; logits on its own answers, or on those `given`."""
    requests = [Request(prompt, adapter, tuple(stop_ids)) for prompt in prompts]
    said: dict[int, list[int]] = {}
    say(0)
    for place, answer in generator.answers(requests, Sampling(max_new_tokens=NEW_TOKENS)):
        said[place] = answer.ids
        say(len(said))
    answers = [said[place] for place in range(len(prompts))]
    shown = answers if given is None else given
    logits = [
        generator.logits([*prompt, *answer], adapter)[len(prompt) - 1 :].float().cpu()
        for prompt, answer in zip(prompts, shown, strict=True)
    ]
    return Heard(answers, logits)


def compare(first: Heard, second: Heard, stop_ids: Sequence[int]) -> Parity:
    """`first`: adapter on base; `second`: merged, with logits on the answers of the first."""
    pairs = list(zip(first.logits, second.logits, strict=True))
    differences = [(one - other).abs() for one, other in pairs]
    divergences = torch.cat([_divergence(one, other) for one, other in pairs])
    parted = [index for index, answer in enumerate(first.answers) if answer != second.answers[index]]
    gaps = [_gap(first.logits[index], first.answers[index], second.answers[index], stop_ids) for index in parted]
    return Parity(
        prompts=len(pairs),
        same=len(pairs) - len(parted),
        ties=sum(gap <= TIE for gap in gaps),
        positions=len(divergences),
        max_logit=max(float(difference.max()) for difference in differences),
        mean_logit=float(sum(difference.sum() for difference in differences) / sum(map(torch.numel, differences))),
        kl=float(divergences.mean()),
        max_kl=float(divergences.max()),
    )


def check(parity: Parity) -> Parity:
    """Return it.

    Raises:
        ModelError: the merged model is not the one that was trained.
    """
    if parity.holds:
        return parity
    raise ModelError(
        f"The merged model does not say what the adapter says: {parity.sentence()} Nothing was kept of it.",
        "Package the adapter by itself, or merge in float32 (--dtype float32).",
    )


def _divergence(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """KL(one || other) at each position, in nats."""
    a, b = functional.log_softmax(one, -1), functional.log_softmax(other, -1)
    return (a.exp() * (a - b)).sum(-1).clamp(min=0)


def _gap(logits: torch.Tensor, mine: list[int], other: list[int], stop_ids: Sequence[int]) -> float:
    """How much more the adapter liked its own token than the merged model's, where their texts part."""
    at = next((i for i, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b), min(len(mine), len(other)))
    end = max(stop_ids, key=lambda number: float(logits[at, number]))
    chosen, instead = (ids[at] if at < len(ids) else end for ids in (mine, other))
    return float(logits[at, chosen] - logits[at, instead])
