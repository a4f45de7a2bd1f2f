"""Attention inside the rows of a flattened batch, with no mask of all tokens by all tokens.

A batch is one sequence of rows end to end (`cu_seq_lens_q` says where each begins). On a GPU the variable-length flash
kernel takes it in one call; on a CPU row after row goes through the causal kernel, which costs the sum of the squares
of the lengths and not the square of their sum.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "rows"
_LARGEST_HEAD = 256  # of the flash kernels
_UNSUPPORTED = ("softcap", "s_aux", "position_bias")


def use_rows(model: PreTrainedModel, dtype: torch.dtype) -> bool:
    """Have the model keep its attention inside rows where it can; says whether it does.

    Where it cannot (models with an attention of their own, GPUs without the flash kernel), transformers makes a mask
    from the positions, which restart with every row.
    """
    if model.config._attn_implementation != "sdpa" or not model._can_set_attn_implementation():
        return False
    if model.device.type == "cuda" and not _has_varlen(model, dtype):
        return False
    AttentionInterface.register(NAME, rows_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    return True


def no_mask(device: torch.device) -> torch.Tensor:
    """Handed to the model in place of a mask: it makes none, and nothing but `rows_attention` can use this one."""
    return torch.empty((1, 1, 0, 0), dtype=torch.bool, device=device)


def rows_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """The attention of transformers' interface: queries (1, heads, tokens, size) to (1, tokens, heads, size).

    Without `cu_seq_lens_q`, which only training passes, it is plain SDPA under the mask.
    """
    starts = kwargs.get("cu_seq_lens_q")
    if starts is None or dropout:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    if unknown := [name for name in _UNSUPPORTED if kwargs.get(name) is not None]:
        raise ValueError(f"attention inside rows cannot take {', '.join(unknown)}")
    window = kwargs.get("sliding_window")
    if query.device.type == "cuda":
        return _flash(query, key, value, starts, kwargs["max_length_q"], scaling, window), None
    query, key = query.to(value.dtype), key.to(value.dtype)  # autocast rotates them in float32
    return _row_by_row(query, key, value, starts.tolist(), scaling, window), None


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    longest: int,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    # Under autocast the rotation of queries and keys leaves them in float32, which the kernel does not take.
    dtype = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else query.dtype
    groups = query.shape[1] // key.shape[1]
    heads = (query, repeat_kv(key, groups), repeat_kv(value, groups))
    queries, keys, values = (states[0].transpose(0, 1).to(dtype) for states in heads)
    back = window - 1 if window else -1
    attended: Any = varlen_attn(
        queries, keys, values, starts, starts, longest, longest, scale=scaling, window_size=(back, 0)
    )
    whole: torch.Tensor = attended[None]
    return whole


def _row_by_row(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: list[int],
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    lengths = [end - start for start, end in pairwise(starts)]
    groups = query.shape[1] // key.shape[1]
    rows = []
    for row in zip(*(states.split(lengths, dim=2) for states in (query, key, value)), strict=True):
        length = row[0].shape[2]
        mask = _window_mask(length, window) if window and length > window else None
        attended = functional.scaled_dot_product_attention(
            row[0],
            repeat_kv(row[1], groups),
            repeat_kv(row[2], groups),
            attn_mask=mask,
            is_causal=mask is None,
            scale=scaling,
        )
        rows.append(attended.transpose(1, 2))
    return torch.cat(rows, dim=1)


def _window_mask(length: int, window: int) -> torch.Tensor:
    """True where a token of the row may look: at itself and the `window` - 1 before it."""
    distance = torch.arange(length)[:, None] - torch.arange(length)
    return (distance >= 0) & (distance < window)


def _has_varlen(model: PreTrainedModel, dtype: torch.dtype) -> bool:
    config = model.config.get_text_config()
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return (
        dtype in (torch.bfloat16, torch.float16)
        and torch.backends.cuda.is_flash_attention_available()
        and torch.cuda.get_device_capability(model.device) >= (8, 0)
        and head <= _LARGEST_HEAD
        and head % 8 == 0
        and getattr(config, "v_head_dim", None) is None
    )
