"""The only caches of the web process: small results that many reruns ask for again."""

from __future__ import annotations

import contextlib
from pathlib import Path

import streamlit as st

from lib.data.inspection import Inspection, inspect_source
from lib.data.mapping import Mapping


def inspection(source: str, mapping: Mapping | None) -> Inspection:
    """`inspect_source`, once for each state of the file."""
    columns = tuple(sorted(mapping.to_dict().items())) if mapping else None
    return _inspection(source, columns, _stamp(source))


@st.cache_data(max_entries=32, ttl="1h", show_spinner="Looking at the first rows …")
def _inspection(source: str, columns: tuple[tuple[str, str], ...] | None, stamp: float) -> Inspection:
    return inspect_source(source, Mapping(dict(columns)) if columns else None)


def _stamp(source: str) -> float:
    with contextlib.suppress(OSError):
        return Path(source).stat().st_mtime
    return 0.0
