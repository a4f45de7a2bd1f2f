"""Keys and values of the tokens so far, with room for those to come: a new token is written, nothing is copied.

transformers' own cache joins old and new in every layer at every token, which costs more than the attention itself
once many rows are answered together.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):
    """A layer of the cache for `room` tokens a row; `keys` and `values` are views of what is filled."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self._held: tuple[torch.Tensor, torch.Tensor] | None = None
        self._at: torch.Tensor | None = None

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Write the new tokens behind the old ones. States: (rows, heads, tokens, size)."""
        if self._at is not None and self._held is not None:
            for held, new in zip(self._held, (key_states, value_states), strict=True):
                held.index_copy_(2, self._at, new)
            return self._held
        if self._held is None:
            self.lazy_initialization(key_states, value_states)
            self._held = _empty(key_states, self.room), _empty(value_states, self.room)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        for held, new in zip(self._held, (key_states, value_states), strict=True):
            held[:, :, start:end] = new
        self.keys, self.values = (held[:, :, :end] for held in self._held)
        return self.keys, self.values

    def hold_still(self, at: torch.Tensor) -> None:
        """From now on write one token a row where the tensor `at` says, and show all the room, filled or not."""
        self._at = at

    def grow_from(self, width: int) -> None:
        """Show what is filled again: the first `width` tokens of each row."""
        self._at = None
        if self._held is not None:
            self.keys, self.values = (held[:, :, :width] for held in self._held)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows alone, in this order."""
        if self._held is not None:
            end = self.get_seq_length()
            self._held = self._held[0][indices], self._held[1][indices]
            self.keys, self.values = (held[:, :, :end] for held in self._held)


def roomy_cache(config: PreTrainedConfig, room: int) -> DynamicCache:
    """The model's cache for `room` tokens a row; layers that look at a window only stay transformers' own."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer(room) if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def bytes_a_token(config: PreTrainedConfig, width: int) -> int:
    """Bytes that a token of a row takes in the cache, `width` bytes a number."""
    text = config.get_text_config(decoder=True)
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return 2 * int(text.num_hidden_layers) * int(heads) * int(size) * width


def _empty(states: torch.Tensor, room: int) -> torch.Tensor:
    """Zeros: where all the room is shown, what is masked out still counts nought times, and nought times nan is nan."""
    rows, heads, _, size = states.shape
    return states.new_zeros((rows, heads, room, size))
