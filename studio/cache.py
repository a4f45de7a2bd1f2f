"""Caches of the web process: small results that many reruns ask for again. Of comparisons: `comparison_cache`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import streamlit as st

from lib import models
from lib.data.facets import Facet, facets
from lib.data.imports.inspection import Inspection, inspect_source
from lib.data.mapping import Mapping
from lib.data.measures.files import text_file, token_file
from lib.data.table import Table, TablePage, TableRow
from lib.formats import ModelTokenizer, load_tokenizer
from lib.settings import ROOT, settings
from lib.storage import checks_file
from lib.versions import git_state


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


def table_page(table: Table, limit: int, offset: int) -> TablePage:
    """`Table.page`, once for each state of the working copy."""
    return _table_page(table, _state_of(table), limit, offset)


@st.cache_data(max_entries=64, ttl="30m", show_spinner=False)
def _table_page(_table: Table, state: tuple[object, ...], limit: int, offset: int) -> TablePage:
    return _table.page(limit, offset)


def placed_row(table: Table, row_id: int) -> tuple[int, TableRow] | None:
    """`Table.placed`, once for each state of the working copy."""
    return _placed_row(table, _state_of(table), row_id)


@st.cache_data(max_entries=64, ttl="30m", show_spinner=False)
def _placed_row(_table: Table, state: tuple[object, ...], row_id: int) -> tuple[int, TableRow] | None:
    return _table.placed(row_id)


def count(table: Table) -> int:
    """`Table.count`, once for each state of the working copy."""
    return _count(table, _state_of(table))


@st.cache_data(max_entries=64, ttl="30m", show_spinner=False)
def _count(_table: Table, state: tuple[object, ...]) -> int:
    return _table.count()


def table_facets(table: Table) -> list[Facet]:
    """`facets`, once for each state of the working copy."""
    return _table_facets(table, _state_of(table))


@st.cache_data(max_entries=64, ttl="30m", show_spinner="Counting …")
def _table_facets(_table: Table, state: tuple[object, ...]) -> list[Facet]:
    return facets(_table)


def _state_of(table: Table) -> tuple[object, ...]:
    """All that the answer depends on: the version and its edits, the query, and the files that go with them."""
    info, query = table.copy.info, table.query
    files = (checks_file(info.name, info.version), text_file(info), token_file(info, query.tokenizer))
    return (
        str(settings.home),
        info.ref,
        info.hash,
        table.copy.seq,
        table.copy.overlay,
        str(query.to_dict()),
        *(_stamp(str(path)) for path in files),
    )


@st.cache_resource(max_entries=8, show_spinner="Loading the tokenizer …")
def tokenizer(model: str) -> ModelTokenizer:
    """A model's tokenizer, loaded once; it is not changed by use."""
    return load_tokenizer(models.find(model).path)


@st.cache_data(ttl="1m", show_spinner=False)
def commit() -> dict[str, Any]:
    """Commit of the studio's own checkout, and whether it was changed; empty where there is none."""
    return git_state(ROOT)
