"""What the studio runs with: versions, its own commit, and every setting with where its value comes from."""

from __future__ import annotations

import platform

import streamlit as st

from lib.system import values
from lib.system.document import SHOWN
from lib.system.values import Value
from lib.versions import commit_words, versions
from studio import cache
from studio.components.text import escape


def show_about() -> None:
    """Settings, then versions."""
    _settings()
    _versions()


def _settings() -> None:
    st.header("Settings", anchor=False)
    st.caption(
        "Each is an environment variable that the studio is started with, such as `STUDIO_USER=ada make run`; "
        "a change needs a new start."
    )
    found = values.listed()
    for value in found:
        if value.problem:
            st.error(f"{escape(value.variable)}: {escape(value.problem)}", icon=":material/error:")
    st.table([_line(value) for value in found])
    st.caption("Variables of others that the libraries go by")
    st.table([{key: text for key, text in _line(value).items() if key != "default"} for value in values.foreign()])


def _line(value: Value) -> dict[str, str]:
    """As a table reads it: in Markdown."""
    return {
        "setting": escape(value.name if value.name != value.variable else value.variable),
        "value": escape(value.value) or "—",
        "from": escape(value.source),
        "default": escape(value.default) or "—",
        "what it does": escape(value.help),
    }


def _versions() -> None:
    st.header("Versions", anchor=False)
    st.caption(f"Studio: {commit_words(cache.commit())} · {escape(platform.platform())}")
    found = [{"library": name, "version": number} for name, number in versions(SHOWN).items()]
    half = -(-len(found) // 2)
    for column, part in zip(st.columns(2), (found[:half], found[half:]), strict=True):
        column.table(part)
