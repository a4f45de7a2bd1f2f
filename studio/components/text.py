"""Words and numbers for people."""

from __future__ import annotations

import re
import shlex
import time
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from lib.settings import ROOT, settings

# Everything that Streamlit's Markdown gives a meaning to, colour directives and maths included.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-!|$:~&])")


def escape(text: str) -> str:
    """Text of data, models or errors, made safe for a place that reads Markdown."""
    return _SPECIAL.sub(r"\\\1", text)


def directed(text: str) -> str:
    """The text with each line that begins right to left held together, as a page that reads left to right shows it.

    Two invisible marks around such a line (U+2068 and U+2069) keep its last full stop at its own end.
    """
    return "\n".join(f"\u2068{line}\u2069" if _right_to_left(line) else line for line in text.split("\n"))


def _right_to_left(line: str) -> bool:
    """By its first letter that has a direction: https://www.unicode.org/reports/tr9/#P2."""
    if line.isascii():
        return False
    kinds = (unicodedata.bidirectional(letter) for letter in line)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), False)


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


def moment(when: float) -> str:
    """A moment (seconds since 1970) as the clock of whoever looks shows it: `2026-12-02 15:47`."""
    try:
        zone = ZoneInfo(st.context.timezone or "")
    except (ZoneInfoNotFoundError, ValueError):  # no browser, or no list of time zones here: this machine's clock
        zone = None
    return datetime.fromtimestamp(when, zone).strftime("%Y-%m-%d %H:%M")


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
