"""Words and numbers for people."""

from __future__ import annotations

import re
import time

# Everything that Streamlit's Markdown gives a meaning to, colour directives and maths included.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-!|$:~&])")


def escape(text: str) -> str:
    """Text of data, models or errors, made safe for a place that reads Markdown."""
    return _SPECIAL.sub(r"\\\1", text)


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
