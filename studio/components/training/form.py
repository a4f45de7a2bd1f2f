"""The settings of a run as a form: the six that matter, all others by theme, every fault beside its field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from lib.errors import BadSettings, StudioError
from lib.training import config as settings
from lib.training import runs
from lib.training.config import TrainConfig, field_help
from lib.training.presets import Preset, delete_preset, list_presets, save_preset
from lib.training.values import shown
from studio import person
from studio.components.errors import show
from studio.components.formatting import look
from studio.components.text import escape

MAIN = ("max_steps", "learning_rate", "per_device_train_batch_size", "max_length", "r", "quantization")
THEMES: dict[str, tuple[str, ...]] = {
    "Steps": (
        "num_train_epochs",
        "gradient_accumulation_steps",
        "lr_scheduler_type",
        "warmup_steps",
        "optim",
        "weight_decay",
        "max_grad_norm",
        "seed",
    ),
    "Rows": (
        "long_rows",
        "packing",
        "group_by_length",
        "min_answer_tokens",
        "max_answer_tokens",
        "train_on_prompt",
        "escape_tags",
    ),
    "Adapter": ("lora_alpha", "lora_dropout", "target_modules", "use_rslora", "use_dora", "init_lora_weights"),
    "Base and memory": ("precision", "gradient_checkpointing"),
    "Measuring": (
        "eval_rows",
        "eval_split",
        "eval_steps",
        "early_stopping_patience",
        "sample_tokens",
        "save_steps",
        "sample_prompts",
    ),
}
LABELS = {
    "max_steps": "Steps",
    "learning_rate": "Learning rate",
    "per_device_train_batch_size": "Rows per batch",
    "max_length": "Longest row (tokens)",
    "r": "Adapter rank",
    "quantization": "Base held as",
    "num_train_epochs": "Passes over the data",
    "lr_scheduler_type": "Schedule",
    "optim": "Optimizer",
    "max_grad_norm": "Largest gradient norm",
    "lora_alpha": "Adapter alpha",
    "lora_dropout": "Adapter dropout",
    "target_modules": "Layers with an adapter",
    "use_rslora": "rsLoRA",
    "use_dora": "DoRA",
    "init_lora_weights": "Start of the adapter",
    "eval_rows": "Rows to measure on",
    "eval_split": "Split to measure on",
    "eval_steps": "Measure every",
    "early_stopping_patience": "Early stop after",
    "save_steps": "Checkpoint every",
    "escape_tags": "Escape marks",
}
CHOICES = {
    "quantization": settings.QUANTIZATIONS,
    "long_rows": settings.LONG_ROWS,
    "optim": settings.OPTIMIZERS,
    "lr_scheduler_type": settings.SCHEDULES,
    "init_lora_weights": settings.INITS,
    "precision": settings.PRECISIONS,
    "gradient_checkpointing": settings.CHECKPOINTING,
}
WORDS = {"none": "full precision", "nf4": "4 bits (NF4, QLoRA)", "int8": "8 bits"}
COPIED = "as "
OVERRIDES = "settings-proposed"


def settings_form() -> TrainConfig | None:
    """Preset, the six settings that matter, all the others; None while there are faults."""
    name, start = _start()
    start = _overridden(name, start)
    cells = [cell for _ in range(2) for cell in st.columns(3)]
    fields = {field: _field(cell, name, field, start) for field, cell in zip(MAIN, cells, strict=True)}
    with st.expander("All settings", icon=":material/tune:"):
        for tab, names in zip(st.tabs(list(THEMES)), THEMES.values(), strict=True):
            with tab:
                fields |= _theme(name, names, start)
    try:
        config = TrainConfig.from_settings({field: value for field, (value, _) in fields.items()})
    except BadSettings as error:
        _faults(error, fields)
        return None
    _keep(name, config)
    return config


def _keep(name: str, config: TrainConfig) -> None:
    """Save the settings as a preset, or take a saved one off the list."""
    saved = list_presets()
    with st.container(horizontal=True), st.popover("Save as preset", icon=":material/bookmark_add:", type="tertiary"):
        chosen = st.text_input("Name", key="preset-name", placeholder="support-8b")
        about = st.text_input("For what", key="preset-about")
        if st.button("Save", type="primary", key="preset-save"):
            try:
                save_preset(chosen.strip(), config, person.name(), about.strip())
            except StudioError as error:
                show(error.message, error.hint)
            else:
                st.toast(f"Saved as {escape(chosen.strip())}.", icon=":material/bookmark:")
        if name in saved and saved[name].saved and st.button(f"Delete {name}", key="preset-delete"):
            delete_preset(name)
            st.rerun()


def label_of(name: str) -> str:
    """What the form calls a setting."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _start() -> tuple[str, TrainConfig]:
    """What the person starts from: a preset, saved settings, or those of a run; with what Format has chosen."""
    presets: dict[str, Preset] = list_presets()
    options = list(presets)
    copied = _copied()
    if copied:
        options.insert(0, COPIED + copied)
    name = st.selectbox(
        "Preset",
        options,
        key=f"preset-{copied}",
        persist_state="session",
        format_func=lambda option: presets[option].label if option in presets else option,
    )
    if name not in presets:
        st.caption(f"All settings of the run {escape(copied)}.")
        return name, runs.get(copied).config
    st.caption(escape(presets[name].about))
    of_preset, carried = TrainConfig.from_settings(presets[name].settings), look.chosen()
    start = replace(of_preset, **carried)
    if start != of_preset:
        listed = ", ".join(label_of(field).lower() for field in carried)
        st.caption(f":material/data_object: As on the Format page: {listed}.")
    return name, start


def override(changes: dict[str, Any]) -> None:
    """Callback: put proposed settings into the form, over what stands there."""
    edition, kept = st.session_state.get(OVERRIDES, (0, {}))
    st.session_state[OVERRIDES] = edition + 1, {**kept, **changes}


def _overridden(name: str, start: TrainConfig) -> TrainConfig:
    """What was proposed holds until another preset is chosen."""
    if st.session_state.get("preset-before", name) != name:
        edition, _ = st.session_state.get(OVERRIDES, (0, {}))
        st.session_state[OVERRIDES] = edition + 1, {}
    st.session_state["preset-before"] = name
    return replace(start, **_changes())


def _changes() -> dict[str, Any]:
    _, changes = st.session_state.get(OVERRIDES, (0, {}))
    return dict(changes)


def _copied() -> str:
    """The run whose settings were asked for."""
    asked = st.query_params.get("copy", "")
    try:
        return runs.get(asked).id if asked else ""
    except StudioError as error:
        st.warning(f"{escape(error.message)} {escape(error.hint)}", icon=":material/link_off:")
        return ""


def _theme(name: str, names: tuple[str, ...], start: TrainConfig) -> dict[str, tuple[Any, Any]]:
    fields = {}
    for first in range(0, len(names), 3):
        for field, cell in zip(names[first : first + 3], st.columns(3), strict=False):
            fields[field] = _field(cell, name, field, start)
    return fields


def _field(cell: Any, preset: str, name: str, start: TrainConfig) -> tuple[Any, Any]:
    """A setting's value, and the place under it where its fault is written.

    Its key holds preset and default, so that choosing another one fills the form anew.
    """
    default, label = getattr(start, name), label_of(name)
    edition = st.session_state[OVERRIDES][0] if name in _changes() else 0
    more: dict[str, Any] = {
        "key": f"set-{preset}-{name}-{default}-{edition}",
        "help": f"`{name}`: {field_help()[name]}",
        "persist_state": "session",  # who comes back from a run finds what was typed
    }
    if name in CHOICES:
        options = list(CHOICES[name])
        value = cell.selectbox(
            label, options, options.index(default), format_func=lambda kind: WORDS.get(kind, kind), **more
        )
    elif isinstance(default, bool):
        value = cell.checkbox(label, default, **more)
    elif name == "sample_prompts":
        value = cell.text_area(label, default, placeholder="What is a bursa?", **more)
    else:
        # Text rather than number inputs: 1e-4 can be typed, and every fault is named together.
        value = cell.text_input(label, shown(name, default), **more)
    return value, cell.empty()


def _faults(error: BadSettings, fields: dict[str, tuple[Any, Any]]) -> None:
    """All of them together, and each under its field."""
    for name, fault in error.faults.items():
        if name in fields:
            fields[name][1].markdown(f":red[:material/error: {escape(fault)}]")
    listed = "\n".join(f"- **{escape(label_of(name))}**: {escape(fault)}" for name, fault in error.faults.items())
    st.error(f"These settings cannot be used:\n\n{listed}", icon=":material/error:")
