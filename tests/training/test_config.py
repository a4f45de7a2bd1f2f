"""Settings: every fault at once, text as `--set` gives it, and help for each."""

from __future__ import annotations

from dataclasses import fields
from itertools import chain

import pytest

from lib.errors import BadSettings
from lib.formats.fitting import POLICIES
from lib.training.config import TrainConfig, field_help
from lib.training.presets import PRESETS
from lib.training.repeat import command_line
from lib.training.values import shown
from studio.components.training.form import MAIN, THEMES


def test_all_faults_come_at_once():
    with pytest.raises(BadSettings) as caught:
        TrainConfig.from_settings(
            {"max_steps": "-1", "learning_rate": "fast", "nope": "1", "quantization": "q8", "optim": "adam"}
        )
    assert set(caught.value.faults) == {"max_steps", "learning_rate", "nope", "quantization", "optim"}
    assert "'fast' is not a number" in caught.value.faults["learning_rate"]
    assert "none, nf4, int8" in caught.value.faults["quantization"]
    assert caught.value.to_dict()["faults"] == caught.value.faults


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("max_steps", "1e2", 100),
        ("packing", "Yes", True),
        ("packing", "off", False),
        ("learning_rate", "2e-4", 2e-4),
        ("target_modules", "q_proj, v_proj", "q_proj, v_proj"),
    ],
)
def test_text_becomes_values(key, text, value):
    assert getattr(TrainConfig.from_settings({key: text}), key) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("max_steps", "1.5"),
        ("packing", "2"),
        ("learning_rate", "inf"),
        *((key, "nan") for key in ("max_steps", "learning_rate", "num_train_epochs", "lora_dropout", "max_grad_norm")),
        ("weight_decay", "nan"),
        ("eval_steps", "10.5"),  # transformers refuses it once the base is loaded
    ],
)
def test_values_that_are_none(key, text):
    with pytest.raises(BadSettings) as caught:
        TrainConfig.from_settings({"max_steps": 0, key: text})
    assert key in caught.value.faults


def test_who_asks_for_epochs_means_epochs():
    assert TrainConfig.from_settings({"num_train_epochs": "2"}).max_steps == 0
    assert TrainConfig.from_settings({"num_train_epochs": "2", "max_steps": "7"}).max_steps == 7


def test_the_batch_can_be_left_to_the_plan():
    config = TrainConfig.from_settings({"per_device_train_batch_size": "auto", "gradient_accumulation_steps": 2})
    assert (config.per_device_train_batch_size, config.rows_per_step) == (0, 8)
    assert "per_device_train_batch_size=auto" in command_line("sums", "tiny", "llama2", config)
    assert shown("per_device_train_batch_size", 0) == "auto" and shown("eval_steps", 0.5) == "0.5"
    assert shown("learning_rate", 0.00012345678) == "0.00012345678"  # read back as the same number
    with pytest.raises(BadSettings):
        TrainConfig.from_settings({"max_length": "auto"})


def test_settings_survive_a_round_trip():
    config = TrainConfig(target_modules="q_proj , v_proj", r=3)
    assert TrainConfig(**config.to_dict()) == config
    assert config.modules == ["q_proj", "v_proj"]


def test_every_setting_has_help_and_every_preset_works():
    assert set(field_help()) == {field.name for field in fields(TrainConfig)}
    for preset in PRESETS.values():
        TrainConfig.from_settings(preset.settings)


def test_the_form_shows_every_setting_once():
    assert sorted([*MAIN, *chain.from_iterable(THEMES.values())]) == sorted(field.name for field in fields(TrainConfig))


def test_every_policy_for_long_rows_is_a_setting():
    for policy in POLICIES:
        assert TrainConfig.from_settings({"long_rows": policy}).long_rows == policy
    with pytest.raises(BadSettings, match="drop, cut, turns, split"):
        TrainConfig(long_rows="shrink")
    assert TrainConfig.from_settings({"escape_tags": "yes"}).escape_tags
