"""A step of decoding in shapes that stay as they are, so that a GPU can record it once and play it for every token.

A step writes one token a row: hundreds of kernels that are over sooner than Python can start them. As a CUDA graph
they start together, which is several times as fast. https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lib.inference.cache import RoomyLayer

Forward = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Ids (rows, 1), mask of what each sees (rows, 1, 1, room), positions (rows, 1) -> logits (rows, vocabulary)."""


class Step:
    """The next steps of a batch. Attention runs over all the room of the cache, with what is still empty masked out."""

    def __init__(self, forward: Forward, cache: Any, mask: torch.Tensor, width: int) -> None:
        """`mask` (rows, room): 0 where a row is padded. `width`: tokens a row that the cache has, padding counted."""
        self._forward, self._cache, self._width = forward, cache, width
        self._real = mask.bool()
        self._places = torch.arange(mask.shape[1], device=mask.device)
        self._tokens = mask.new_zeros((len(mask), 1))
        self._at = torch.tensor([width], device=mask.device)
        self._positions = mask[:, :width].sum(-1, keepdim=True)
        self._logits = torch.empty(0)
        self._graph: Any = None
        for layer in cache.layers:
            layer.hold_still(self._at)

    def __call__(self, tokens: Sequence[int]) -> torch.Tensor:
        """Logits after these tokens, one a row; they are overwritten by the next call.

        Raises:
            RuntimeError: the model does what cannot be recorded; `let_go` undoes everything.
        """
        self._tokens.copy_(torch.tensor(tokens)[:, None])
        if self._graph is None and self._tokens.is_cuda:
            self._record()
        if self._graph is not None:
            self._graph.replay()
        else:
            self._run()
        self._at += 1
        self._positions += 1
        self._width += 1
        return self._logits

    def let_go(self) -> None:
        """Have the cache grow with its tokens again."""
        for layer in self._cache.layers:
            layer.grow_from(self._width)

    def _run(self) -> None:
        seen = self._real & (self._places <= self._at)
        self._logits = self._forward(self._tokens, seen[:, None, None], self._positions)

    def _record(self) -> None:
        """Run it once beside, for libraries that make themselves ready in a first call, then record it."""
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            self._run()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._run()
        self._graph = graph


def can_record(model: Any, cache: Any) -> bool:
    """Whether its steps keep their shapes: attention that takes a ready mask, and a cache without windows."""
    plain = all(type(layer) is RoomyLayer for layer in cache.layers)
    return plain and getattr(model.config, "_attn_implementation", "") == "sdpa"
