"""Settings as they are now: value, default, where the value comes from, and what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from lib.errors import BadInput
from lib.settings import TABLE, Setting, settings

HIDDEN = "set"
FOREIGN = {
    "CUDA_VISIBLE_DEVICES": "GPUs that the studio may use, by number or id; all of them when it is not set.",
    "HF_ENDPOINT": "Address of the Hub, where it is not huggingface.co.",
    "HF_HOME": "Folder in which the Hub's own tools keep what they fetched.",
    "HF_HUB_OFFLINE": "1: nothing is asked of the Hub.",
    "HF_TOKEN": "Token for the Hub: for gated models and for pushing. Never shown or stored.",
}
"""Variables of others that the studio's libraries go by."""
_SECRET = ("HF_TOKEN",)


@dataclass(frozen=True)
class Value:
    """One setting. `problem`: why its value cannot be used; empty when it can."""

    name: str
    variable: str
    value: str
    default: str
    source: str
    help: str
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def listed() -> list[Value]:
    """Every setting of the studio; no password is shown."""
    return [_value(setting) for setting in TABLE]


def foreign() -> list[Value]:
    """`FOREIGN` with what this process was started with; those that are not set have no value."""
    return [
        Value(name, name, _shown(name), "", f"environment ({name})" if os.environ.get(name) else "not set", help_text)
        for name, help_text in FOREIGN.items()
    ]


def _value(setting: Setting) -> Value:
    value = _without_password(setting.value) if setting.name == "database_url" else setting.value
    return Value(
        setting.name, setting.variable, value, setting.default, setting.source, setting.help, _problem(setting.name)
    )


def _problem(name: str) -> str:
    try:
        getattr(settings, name)
    except BadInput as error:
        return str(error)
    return ""


def _without_password(url: str) -> str:
    if not url:
        return ""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return HIDDEN


def _shown(name: str) -> str:
    value = os.environ.get(name, "")
    return HIDDEN if value and name in _SECRET else value
