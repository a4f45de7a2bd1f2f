"""Which kinds of models the installed transformers can load for answering, without importing it (that takes seconds).

A model of another kind would need code of its own, which is never run here, or writes no answers.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

TABLE = "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"


@lru_cache(maxsize=1)
def causal_types() -> Mapping[str, str]:
    """`model_type` -> class, such as `{"llama": "LlamaForCausalLM"}`; empty when transformers cannot be read."""
    spec = importlib.util.find_spec("transformers")
    source = Path(spec.origin).parent / "models" / "auto" / "modeling_auto.py" if spec and spec.origin else None
    if source is None or not source.exists():
        return {}
    table = source.read_text(encoding="utf-8").partition(f"{TABLE} = ")[2].partition("\n)\n")[0]
    return dict(re.findall(r'\("([^"]+)", "([^"]+)"\)', table))


def why_not(config: Mapping[str, Any]) -> tuple[str, str] | None:
    """What speaks against a model with this config.json, and what to do; None when it can be loaded."""
    kind = config.get("model_type", "")
    known = causal_types()
    if not known or kind in known:
        return None
    if config.get("auto_map"):
        return (
            f"It needs code of its own (auto_map in config.json), which is not run here: transformers has no {kind!r}.",
            "Take a model of a kind that transformers has built in, such as llama, qwen3, gemma3 or mistral.",
        )
    return (
        f"The installed transformers has no model of the type {kind!r} that writes answers.",
        "Take a causal language model, or a newer transformers if this one is very new.",
    )
