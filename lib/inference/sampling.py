"""Which token comes next, row by row: the likeliest, or one drawn from the likeliest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Sampling:
    """How to choose tokens: greedy when `temperature` is 0. `max_new_tokens` limits the answer's length.

    `top_p`: draw only from the likeliest tokens that together have this share (Holtzman et al. 2020).
    """

    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


class Chooser:
    """Chooses for a batch. Every row draws by numbers of its own, so that its answer does not depend on the others."""

    def __init__(self, sampling: Sampling, keys: Sequence[int]) -> None:
        """`keys`: a number for each row; rows of the same key, seed and logits get the same tokens."""
        self.sampling = sampling
        self._random = [torch.Generator().manual_seed(sampling.seed * 1_000_003 + key) for key in keys]

    def choose(self, logits: torch.Tensor) -> list[int]:
        """A token for each row of `logits` (rows, vocabulary)."""
        if self.sampling.temperature <= 0:
            chosen: list[int] = logits.argmax(-1).tolist()
            return chosen
        shares = torch.softmax(logits.float() / self.sampling.temperature, -1)
        if self.sampling.top_p < 1:
            shares = _likeliest(shares, self.sampling.top_p)
        rows = zip(shares.cpu(), self._random, strict=True)
        return [int(torch.multinomial(share, 1, generator=random)) for share, random in rows]

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone, in this order."""
        self._random = [self._random[row] for row in rows]


def _likeliest(shares: torch.Tensor, top_p: float) -> torch.Tensor:
    """The shares with 0 for those outside the smallest set that has `top_p` together; the likeliest is always in."""
    sorted_shares, order = shares.sort(-1, descending=True)
    before = sorted_shares.cumsum(-1) - sorted_shares
    return torch.zeros_like(shares).scatter(-1, order, sorted_shares.masked_fill(before >= top_p, 0.0))
