"""Values of settings as people and scripts write them: text becomes numbers, and what nobody can mean is a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STEPS, TOKENS = 1_000_000, 1_048_576
MOST: dict[str, int] = {
    "max_steps": STEPS,
    "num_train_epochs": 1_000,
    "per_device_train_batch_size": 4_096,
    "gradient_accumulation_steps": 4_096,
    "max_length": TOKENS,
    "r": 4_096,
    "lora_alpha": 65_536,
    "warmup_steps": STEPS,
    "weight_decay": 10,
    "eval_rows": 1_000_000,
    "eval_steps": STEPS,
    "early_stopping_patience": STEPS,
    "save_steps": STEPS,
    "sample_tokens": 8_192,
    "min_answer_tokens": TOKENS,
    "max_answer_tokens": TOKENS,
    "seed": 2**32 - 1,  # more NumPy does not take
}
"""Setting -> the largest value that anybody could mean."""

AUTOMATIC = ("per_device_train_batch_size",)
"""Settings of which 0 is also written `auto`."""

_WORDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
_TRUTH_OF = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def read(settings: Mapping[str, Any], kinds: Mapping[str, type]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that can be read, and the faults of the others by name.

    Args:
        kinds: the settings there are, each with its type.
    """
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for key, value in settings.items():
        if key not in kinds:
            faults[key] = "no such setting; there are " + ", ".join(kinds)
            continue
        try:
            automatic = key in AUTOMATIC and value == "auto"
            values[key] = _converted(0 if automatic else value, kinds[key])
        except (KeyError, TypeError, ValueError, OverflowError):
            faults[key] = f"{value!r} is not {_WORDS[kinds[key]]}"
    too_much = {
        key: f"must be {MOST[key]:,} or less" for key, value in values.items() if key in MOST and value > MOST[key]
    }
    return values, faults | too_much


def shown(key: str, value: Any) -> str:
    """A value as people write it: `read` takes it back."""
    return "auto" if key in AUTOMATIC and value == 0 else _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    """The shortest form that is read back as the same number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _converted(value: Any, kind: type) -> Any:
    if kind is bool:
        return value if isinstance(value, bool) else _TRUTH_OF[str(value).lower()]
    if kind is int and float(value) != int(float(value)):
        raise ValueError(value)
    return int(float(value)) if kind is int else kind(value)
