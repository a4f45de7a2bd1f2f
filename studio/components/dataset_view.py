"""The list of datasets, and one dataset: facts, rows as conversations, what was refused."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from lib.data import datasets
from lib.data.columns import ROW_ID, SPLIT
from lib.data.datasets import DatasetInfo
from lib.data.imports import refusals
from lib.data.mapping import read_conversation
from lib.data.versions import remove
from lib.errors import BadInput, StudioError
from lib.words import counted
from studio import person, state
from studio.components.conversation import show_conversation
from studio.components.errors import guarded, show
from studio.components.frame import Place, chain_bar
from studio.components.links import go, link
from studio.components.refusals import show_refusals
from studio.components.text import ago, escape

PAGE_ROWS = 10


def show_list(infos: list[DatasetInfo]) -> None:
    """A line a dataset."""
    st.header("Datasets here", anchor=False)
    if not infos:
        st.caption("None yet. Drop a file above; `make setup` brings two samples.")
    for info in infos:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            link("datasets", f"**{info.name}** v{info.version}", dataset=info.ref)
            st.markdown(f":small[{info.rows:,} rows · {_splits(info)} · {escape(info.label)}]", width="content")
            by = f"{escape(info.user)}, {ago(_when(info))}"
            st.markdown(f":small[:gray[from {escape(info.source)} by {by}]]", width="content")
            if info.refused:
                st.badge(f"{info.refused:,} refused", color="orange", icon=":material/block:")


def show_dataset(info: DatasetInfo) -> None:
    """One dataset version."""
    chain_bar(Place(dataset=info.ref, next_page="format", next_label="See it as the model will"))
    with st.container(horizontal=True, vertical_alignment="center"):
        link("datasets", "All datasets", icon=":material/arrow_back:")
        if st.button("Train on it", type="primary", icon=":material/model_training:"):
            go("train", dataset=info.ref)
        link("curate", "Curate its rows", dataset=info.ref)
        if st.button("Delete the dataset", icon=":material/delete_forever:", type="tertiary"):
            _delete_dialog(info)
    with st.container(horizontal=True):
        st.metric("Rows", f"{info.rows:,}", border=True, width=140)
        for split, rows in info.splits.items():
            st.metric(split.capitalize(), f"{rows:,}", border=True, width=140, help=SPLIT_HELP.get(split))
        if info.refused:
            st.metric("Refused", f"{info.refused:,}", border=True, width=140, help="Rows that could not be read.")
        st.metric("Read as", info.label.split(" (")[0], border=True, width=260, help=escape(info.label))
    for note in info.notes:
        st.caption(f":material/info: {escape(note)}")
    _versions(info)
    if info.refused:
        file = info.path / datasets.REFUSED
        show_refusals(file, info.recipe.get("reasons") or refusals.count(file), info.name)
    _rows(info)


def _versions(info: DatasetInfo) -> None:
    versions = datasets.version_numbers(info.name)
    if len(versions) > 1:
        with st.container(horizontal=True):
            st.markdown(":small[:gray[versions]]", width="content")
            for number in versions:
                link("datasets", f"v{number}", icon=None, dataset=f"{info.name}@{number}")


@st.dialog("Delete a dataset", icon=":material/delete_forever:")
def _delete_dialog(info: DatasetInfo) -> None:
    versions = counted(len(datasets.version_numbers(info.name)), "version")
    st.markdown(f"**{escape(info.name)}** goes with {versions} and all its edits. Runs keep what they wrote.")
    name = st.text_input("Write its name to delete it", key="delete-name")
    if st.button("Delete for good", type="primary", disabled=name.strip() != info.name):
        try:
            remove(info.name, person.name())
        except StudioError as error:
            show(error.message, error.hint)
            return
        state.forget("dataset")
        st.rerun()


@st.fragment
@guarded
def _rows(info: DatasetInfo) -> None:
    """Pages of conversations, found by text; DuckDB does the work whatever the size."""
    search_box, split_box = st.columns([3, 1], vertical_alignment="bottom")
    search = search_box.text_input("Search", type="search", key="search", placeholder="any text in a row", live="500ms")
    options = ["all", *info.splits]
    with split_box:
        split = st.segmented_control("Split", options, default="all", required=True, key="split")
    pager = f"rows-page-{info.ref}-{split}-{search}"  # other rows start at their first page
    found = datasets.page(
        info, split=None if split == "all" else split, search=search or None, limit=PAGE_ROWS, offset=_offset(pager)
    )
    pages = max(-(-found.total // PAGE_ROWS), 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{found.total:,} of {info.rows:,} rows", width="content")
        st.pagination(pages, key=pager)
    if not found.rows:
        st.info("No row holds that text.", icon=":material/search_off:")
    for row in found.rows:
        with st.container(border=True):
            st.markdown(f":small[:gray[row {row[ROW_ID]} · {row[SPLIT]}]]")
            try:
                show_conversation(read_conversation(row, info.mapping))
            except BadInput as error:
                st.warning(escape(error.message))


def _offset(pager: str) -> int:
    return (st.session_state.get(pager, 1) - 1) * PAGE_ROWS


def _splits(info: DatasetInfo) -> str:
    return ", ".join(f"{split} {rows:,}" for split, rows in info.splits.items())


def _when(info: DatasetInfo) -> float:
    return datetime.fromisoformat(info.created_at).timestamp()


SPLIT_HELP = {
    "train": "Rows a model learns from.",
    "test": "Rows held out: never trained on, used to compare base and tuned.",
    "validation": "Rows held out to watch the loss during training.",
}
