"""What to change when a run has failed, as settings to start it again with. No torch here.

Where the plan can be asked, `plan.after_failure` knows better what saves enough memory.
"""

from __future__ import annotations

from typing import Any

from lib.training.config import TrainConfig

SHORTEST = 64  # tokens: rows are not cut further than this to save memory
_WORDS = {
    "per_device_train_batch_size": "a batch of {} rows",
    "gradient_accumulation_steps": "{} batches to a step",
    "gradient_checkpointing": "gradient checkpointing {}",
    "quantization": "the base in {}",
    "max_length": "rows of {} tokens at most",
    "packing": "packing {}",
    "group_by_length": "grouping by length {}",
    "learning_rate": "a learning rate of {:.1e}",
}


def for_memory(config: TrainConfig, loading: bool = False) -> dict[str, Any]:
    """The first change that saves memory and has not been made yet; empty when nothing is left.

    Half the batch with twice the accumulation takes the same steps; checkpointing and a base in 4 bits nearly so;
    shorter rows are the last resort. While the base is being `loading`, only its size matters.
    """
    batch, steps = config.per_device_train_batch_size, config.gradient_accumulation_steps
    if loading:
        return {"quantization": "nf4"} if config.quantization != "nf4" else {}
    if batch > 1:
        return {
            "per_device_train_batch_size": batch // 2,
            "gradient_accumulation_steps": -(-steps * batch // (batch // 2)),
        }
    if config.gradient_checkpointing != "on":
        return {"gradient_checkpointing": "on"}
    if config.quantization != "nf4":
        return {"quantization": "nf4"}
    return {"max_length": config.max_length // 2} if config.max_length >= 2 * SHORTEST else {}


def for_divergence(config: TrainConfig) -> dict[str, Any]:
    """A third of the learning rate."""
    return {"learning_rate": float(f"{config.learning_rate / 3:.2g}")}


def for_error(error: dict[str, Any] | None, config: TrainConfig) -> dict[str, Any]:
    """The settings that a job's error suggests: its own, or those for the kind of fault that it names."""
    if not error:
        return {}
    if "suggest" in error:
        return dict(error["suggest"])
    return for_memory(config) if error.get("fault") == "memory" else {}


def words(suggest: dict[str, Any]) -> str:
    """`a batch of 2 rows and 4 batches to a step`."""
    shown = {True: "on", False: "off"}
    return " and ".join(
        _WORDS.get(key, key + " {}").format(shown[value] if isinstance(value, bool) else value)
        for key, value in suggest.items()
    )
