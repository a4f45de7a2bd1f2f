"""A tokenized conversation: ids, what the loss counts, and where each token stands in the text."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

IGNORED = -100
"""The label that PyTorch's cross entropy leaves out."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenized conversation: four lists of one length.

    `trained[i]`: the loss counts token i. `spans[i]`: where it stands in `text_of(segments)`, as (start, end)
    characters; empty where spans were not asked for. Tokens that share one character have the same span.
    `special[i]`: it is a special token.
    `joins`: numbers of tokens before which the loss starts or stops, and where the tokenizer would not have cut the
    text if it had been given the whole of it at once.
    """

    ids: list[int]
    trained: list[bool]
    spans: list[tuple[int, int]]
    special: list[bool]
    joins: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def partial(self) -> list[bool]:
        """Whether each token is but a part of a character, or shares one with a neighbour."""
        before = [0, *(end for _, end in self.spans)]
        after = [*(start for start, _ in self.spans[1:]), sys.maxsize]
        return [
            start == end or start < last or end > first
            for (start, end), last, first in zip(self.spans, before, after, strict=False)
        ]


def labels(tokens: Tokens) -> list[int]:
    """The ids where the loss counts, -100 elsewhere."""
    return [number if trained else IGNORED for number, trained in zip(tokens.ids, tokens.trained, strict=True)]
