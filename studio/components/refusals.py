"""Rows that an import refused: how many for which reason, the first of them, and a file of each reason."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from lib.data.imports import refusals
from lib.storage import suggest_name
from lib.words import counted
from studio.components.errors import guarded
from studio.components.text import escape

SHOWN = 200
DOWNLOADED = 100_000  # rows of one file: it is made in memory, where millions have no place
ALL = "All reasons"


@st.fragment
@guarded
def show_refusals(file: Path, reasons: dict[str, int], name: str) -> None:
    """`reasons` counts the rows in `file` by kind of reason; `name` is the dataset's."""
    total = sum(reasons.values())
    with st.expander(f"{counted(total, 'row')} refused: why", icon=":material/block:"):
        counts = {ALL: total, **reasons}
        kind = st.selectbox(
            "Reason", list(counts), format_func=lambda kind: f"{kind} · {counts[kind]:,}", key=f"refused-{name}"
        )
        items = itertools.islice(_items(file, kind, reasons), SHOWN)
        shown = [{key: item[key] for key in ("file", "row", "reason", "text") if key in item} for item in items]
        st.dataframe(shown, hide_index=True, alt="Refused rows with reasons")
        some = "" if kind == ALL else f"-{suggest_name(kind)[:40]}"
        st.download_button(
            "Download the refused rows",
            partial(_lines, file, kind, reasons),
            f"{name}-refused{some}.jsonl",
            "application/jsonl",
            icon=":material/download:",
            on_click="ignore",
        )
        if counts[kind] > DOWNLOADED:
            st.caption(
                f"The download has the first {DOWNLOADED:,} of {counts[kind]:,}; all are in {escape(str(file))}."
            )
        elif len(shown) < counts[kind]:
            st.caption(f"The first {len(shown):,} of {counts[kind]:,} are shown; the download has all.")


def _items(file: Path, kind: str, reasons: dict[str, int]) -> Iterator[dict[str, Any]]:
    items = refusals.read(file)
    return items if kind == ALL else refusals.of_kind(items, kind, reasons)


def _lines(file: Path, kind: str, reasons: dict[str, int]) -> bytes:
    return refusals.as_lines(_items(file, kind, reasons), DOWNLOADED)
