"""Presets: named settings to start from; those of the studio, and those that people saved here.

presets/<name>.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.errors import BadInput, NotFound, StudioError
from lib.settings import settings
from lib.storage import check_name, write_json
from lib.training.config import TrainConfig


@dataclass(frozen=True)
class Preset:
    """A named set of settings: `about` says for whom, `settings` differ from the defaults.

    `template` and `model` are what it was made for: a proposal, or empty.
    """

    label: str
    about: str
    settings: Mapping[str, Any]
    saved: bool = False
    template: str = ""
    model: str = ""


PRESETS: dict[str, Preset] = {
    "first-look": Preset(
        "First look",
        "A few short steps, minutes on a laptop: enough for its answers to sound like the data.",
        {
            "max_steps": 30,
            "learning_rate": 1e-3,
            "per_device_train_batch_size": 0,
            "max_length": 256,
            "eval_rows": 24,
            "r": 16,
            "target_modules": "all-linear",
        },
        model="starter",
    ),
    "llama2-chat-4bit": Preset(
        "Llama-2 chat, 4-bit",
        "QLoRA for a 7B chat model on a GPU of about 11 GB; use it with the llama2 template.",
        {
            "quantization": "nf4",
            "r": 64,
            "lora_alpha": 16,
            "lora_dropout": 0.1,
            "target_modules": "q_proj,v_proj",
            "per_device_train_batch_size": 4,
            "max_steps": 100,
            "learning_rate": 2e-4,
            "max_length": 1024,
        },
        template="llama2",
    ),
    "llama3-alpaca-4bit": Preset(
        "Llama-3 Alpaca, 4-bit",
        "QLoRA on all layers with 8-bit AdamW on a GPU; use it with the alpaca-input template.",
        {
            "quantization": "nf4",
            "r": 16,
            "lora_alpha": 16,
            "lora_dropout": 0.0,
            "target_modules": "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj",
            "max_steps": 60,
            "learning_rate": 2e-4,
            "per_device_train_batch_size": 2,
            "gradient_accumulation_steps": 4,
            "warmup_steps": 10,
            "optim": "adamw_8bit",
            "max_length": 2048,
            "seed": 3407,
            "weight_decay": 0.01,
        },
        template="alpaca-input",
    ),
}


def list_presets() -> dict[str, Preset]:
    """All presets by name: the studio's, then saved ones. A file that cannot be read is left out."""
    found = dict(PRESETS)
    for file in sorted(_folder().glob("*.json")):
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            made_for = {key: str(stored.get(key, "")) for key in ("template", "model")}
            preset = Preset(file.stem, stored["about"], stored["settings"], saved=True, **made_for)
            TrainConfig.from_settings(preset.settings)
        except (OSError, ValueError, KeyError, TypeError, StudioError):
            continue
        found.setdefault(file.stem, preset)
    return found


def get_preset(name: str) -> Preset:
    """Raises:
    NotFound: no such preset.
    """
    presets = list_presets()
    if name not in presets:
        raise NotFound(f"There is no preset {name!r}.", f"There are: {', '.join(presets)}.")
    return presets[name]


def save_preset(
    name: str, config: TrainConfig, user: str, about: str = "", template: str = "", model: str = ""
) -> None:
    """Keep settings under a name; a saved one of that name is replaced.

    Args:
        template, model: what they were made for, to be proposed with them; empty: for any.

    Raises:
        BadInput: the name cannot be used.
        StorageError: disk full or folder not writable.
    """
    check_name(name, "preset name")
    if name in PRESETS:
        raise BadInput(f"{name!r} comes with the studio.", "Choose another name.")
    made_for = {key: value for key, value in (("template", template), ("model", model)) if value}
    stored = {"about": about or f"Saved by {user}.", "settings": differences(config), "created_by": user, **made_for}
    write_json(_folder() / f"{name}.json", stored)


def delete_preset(name: str) -> None:
    """Raises:
    NotFound: no saved preset of that name.
    """
    if name in PRESETS or not get_preset(name).saved:
        raise NotFound(f"There is no saved preset {name!r}.", "Those of the studio stay.")
    (_folder() / f"{name}.json").unlink(missing_ok=True)


def differences(config: TrainConfig) -> dict[str, Any]:
    """The settings that are not at their defaults."""
    defaults = TrainConfig().to_dict()
    return {key: value for key, value in config.to_dict().items() if value != defaults[key]}


def _folder() -> Path:
    return settings.home / "presets"
