"""Words and numbers for people."""

from __future__ import annotations

import re
import shlex
import time

from lib.settings import ROOT, settings

# Everything that Streamlit's Markdown gives a meaning to, colour directives and maths included.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-!|$:~&])")


def escape(text: str) -> str:
    """Text of data, models or errors, made safe for a place that reads Markdown."""
    return _SPECIAL.sub(r"\\\1", text)


def template_words(name: str) -> str:
    """A template's name where it stands beside others; `model` would be read as a model's."""
    return "the model's own template" if name == "model" else name


def ago(when: float) -> str:
    """How long since a moment (seconds since 1970): `just now`, `5 min ago`, `3 h ago`, `2 days ago`."""
    seconds = max(time.time() - when, 0)
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 86400:
        return f"{seconds / 3600:.0f} h ago"
    days = round(seconds / 86400)
    return "yesterday" if days == 1 else f"{days} days ago"


def shorten(text: str, length: int = 120) -> str:
    """The text in one line, cut with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def typed(command: str) -> str:
    """A command as it can be pasted into a shell in the studio's folder: with its Python, and the home in use."""
    if (ROOT / ".venv/bin/python").exists():
        command = f".venv/bin/{command}"
    if settings.home != ROOT / "data":
        command = f"STUDIO_HOME={shlex.quote(str(settings.home))} {command}"
    return command
