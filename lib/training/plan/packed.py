"""Shapes of weights that are quantised in the files already: there they are rows of bytes."""

from __future__ import annotations

import math
from typing import Any

_BESIDE = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", ".SCB", ".qzeros", ".scales", ".g_idx")


def unpacked(config: dict[str, Any], tensors: dict[str, tuple[str, tuple[int, ...]]]) -> dict[str, tuple[int, ...]]:
    """Name to shape of the weights as they were, without what quantisation put beside them.

    Layers named as in Llama have the shapes that the configuration gives; of others only the number of weights in four
    bits is known, so that they stand as one row.
    """
    known = _llama(config)
    found: dict[str, tuple[int, ...]] = {}
    for name, (dtype, shape) in tensors.items():
        if name.endswith(_BESIDE) or ".quant_state." in name:
            continue
        plain = name.removesuffix(".qweight") + ".weight" if name.endswith(".qweight") else name
        module = plain.removesuffix(".weight").rpartition(".")[2]
        if dtype in ("U8", "I32") and module in known:
            found[plain] = known[module]
        elif dtype == "U8":
            found[plain] = (1, 2 * math.prod(shape))
        else:
            found[plain] = shape
    return found


def _llama(config: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Output and input size by name; empty where the configuration does not say."""
    try:
        hidden, inner = int(config["hidden_size"]), int(config["intermediate_size"])
        heads = int(config["num_attention_heads"])
        kv_heads = int(config.get("num_key_value_heads") or heads)
        head = int(config.get("head_dim") or hidden // heads)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return {}
    return {
        "q_proj": (heads * head, hidden),
        "k_proj": (kv_heads * head, hidden),
        "v_proj": (kv_heads * head, hidden),
        "o_proj": (hidden, heads * head),
        "gate_proj": (inner, hidden),
        "up_proj": (inner, hidden),
        "down_proj": (hidden, inner),
    }
