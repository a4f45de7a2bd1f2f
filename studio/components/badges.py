"""States as badges: a word, a colour and an icon, so that colour alone never carries it."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

Colour = Literal["gray", "blue", "green", "red", "orange"]

STATES: dict[str, tuple[Colour, str]] = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/play_arrow:"),
    "finished": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
    "stopped": ("orange", ":material/stop:"),
    "interrupted": ("orange", ":material/power_off:"),
}
HELP = {
    "queued": "Waits for its turn.",
    "stopped": "Somebody stopped it; what it had learned is kept.",
    "interrupted": "Its process ended without a word: killed, or the machine went down.",
}


def state_badge(status: str, **options: Any) -> None:
    """The state of a run, comparison or job."""
    colour, icon = STATES.get(status, ("gray", ":material/help:"))
    st.badge(status, icon=icon, color=colour, help=HELP.get(status), **options)
