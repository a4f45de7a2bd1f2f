"""The settings of a run as a form, and what they come to."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.errors import BadSettings
from lib.training.config import LONG_ROWS, PRESETS, QUANTIZATIONS, SCHEDULES, TrainConfig, field_help
from lib.training.runs import command_line, list_runs
from lib.words import duration
from studio.components.formatting import look
from studio.components.text import escape

MAIN = ("max_steps", "learning_rate", "per_device_train_batch_size", "max_length", "r", "quantization")
LABELS = {
    "max_steps": "Steps",
    "learning_rate": "Learning rate",
    "per_device_train_batch_size": "Rows per batch",
    "max_length": "Longest row (tokens)",
    "r": "Adapter rank",
    "quantization": "Base held as",
    "escape_tags": "Escape marks",
}
CHOICES = {"quantization": QUANTIZATIONS, "long_rows": LONG_ROWS, "lr_scheduler_type": SCHEDULES}
WORDS = {"none": "full precision", "nf4": "4 bits (NF4, QLoRA)", "int8": "8 bits"}


def settings_form() -> TrainConfig | None:
    """Preset, the six settings that matter, all the others; None while there are faults (shown together)."""
    preset = st.selectbox(
        "Preset", list(PRESETS), format_func=lambda name: PRESETS[name].label, key="preset", persist_state="session"
    )
    st.caption(PRESETS[preset].about)
    of_preset = TrainConfig.from_settings(PRESETS[preset].settings)
    carried = look.chosen()
    start = replace(of_preset, **carried)
    if start != of_preset:
        names = ", ".join(LABELS.get(name, name.replace("_", " ")).lower() for name in carried)
        st.caption(f":material/data_object: As on the Format page: {names}.")
    values: dict[str, Any] = {}
    for name, cell in zip(MAIN, [cell for _ in range(2) for cell in st.columns(3)], strict=True):
        values[name] = _field(cell, name, getattr(start, name), _help(name, of_preset), preset)
    others = [field.name for field in fields(TrainConfig) if field.name not in MAIN]
    with st.expander("All settings", icon=":material/tune:"):
        for first in range(0, len(others), 3):
            for name, cell in zip(others[first : first + 3], st.columns(3), strict=False):
                values[name] = _field(cell, name, getattr(start, name), _help(name, of_preset), preset)
    try:
        return TrainConfig.from_settings(values)
    except BadSettings as error:
        listed = "\n".join(
            f"- **{LABELS.get(name, escape(name))}**: {escape(fault)}" for name, fault in error.faults.items()
        )
        st.error(f"These settings cannot be used:\n\n{listed}", icon=":material/error:")
        return None


def _help(name: str, of_preset: TrainConfig) -> str:
    return f"`{name}` · preset value {getattr(of_preset, name)}. {field_help()[name]}"


def _field(cell: Any, name: str, default: Any, help_text: str, preset: str) -> Any:
    """One setting; its key holds preset and default, so that choosing another one fills the form anew."""
    label, key = LABELS.get(name, name.replace("_", " ").capitalize()), f"set-{preset}-{name}-{default}"
    if name in CHOICES:
        options = list(CHOICES[name])
        return cell.selectbox(
            label,
            options,
            index=options.index(default),
            key=key,
            help=help_text,
            format_func=lambda kind: WORDS.get(kind, kind),
        )
    if isinstance(default, bool):
        return cell.checkbox(label, value=default, key=key, help=help_text)
    # Text rather than number inputs: 1e-4 can be typed, and every fault is named together below.
    return cell.text_input(
        label, value=f"{default:g}" if isinstance(default, float) else str(default), key=key, help=help_text
    )


def plan_box(info: DatasetInfo, model: str, template: str, config: TrainConfig | None) -> None:
    """Rows, steps and time, and the command that does the same."""
    with st.container(border=True):
        st.markdown("**What will happen**")
        if config is None:
            st.caption("Mend the settings first.")
            return
        rows = info.splits.get("train", 0)
        steps = config.max_steps or max(round(rows * config.num_train_epochs / config.rows_per_step), 1)
        seen = steps * config.rows_per_step
        with st.container(horizontal=True):
            st.metric("Training rows", f"{rows:,}", width=130)
            st.metric("Steps", f"{steps:,}", width=90, help=f"{config.rows_per_step} rows a step")
            st.metric("Rows seen", f"{seen:,}", width=110, help=f"{seen / max(rows, 1):.1f} passes over the data")
        st.caption(_time(model, config, steps))
        if not rows:
            st.warning("The train split is empty.", icon=":material/warning:")
        st.caption("The same from a terminal:")
        st.code(command_line(info.ref, model, template, config), language=None, wrap_lines=True)


def _time(model: str, config: TrainConfig, steps: int) -> str:
    """From the newest finished run of the same model and precision on this machine; no guess without one."""
    for run in list_runs(limit=30):
        if run.summary and (run.model, run.config.quantization) == (model, config.quantization):
            tokens_a_row = run.summary["tokens"] / (run.summary["steps"] * run.config.rows_per_step)
            seconds = steps * config.rows_per_step * tokens_a_row / max(run.summary["tokens_per_second"], 0.1)
            return f":material/timer: about {duration(seconds)}, going by {run.id} ({tokens_a_row:.0f} tokens a row)"
    return ":material/timer: time left shows after the first steps; First look takes about 2 minutes on 2 cores"
