"""Metric folders of `evaluate` that a team already has: listed, added by path, removed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lib.errors import StudioError
from lib.evaluation.metrics import folders
from lib.evaluation.metrics.folders import FolderMetric
from lib.storage import suggest_name
from studio import person
from studio.components.comparing.words import DIRECTIONS, limits
from studio.components.errors import show
from studio.components.text import escape

UNTOLD = "as its folder says"
WAYS = {UNTOLD: None, "higher is better": True, "lower is better": False}


def show_folders() -> None:
    """Draw them under a form to add one."""
    st.header("Metric folders", anchor=False)
    with st.expander("Add a folder of `evaluate`", icon=":material/create_new_folder:", key="folders-new"):
        _form()
    found = folders.list_folders()
    if not found:
        st.caption("A folder NAME with NAME.py, a metric of Hugging Face evaluate, can be used beside the others.")
    for folder in found:
        _line(folder)


def _line(folder: FolderMetric) -> None:
    spec = folders.folder_spec(folder)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{folder.name}**", width="content")
        st.markdown(f":small[{limits(spec)}, {DIRECTIONS[spec.higher_is_better]}]", width="content")
        st.markdown(f":small[{escape(folder.help)} :gray[{escape(folder.created_by)}]]", width="content")
        with st.popover("Remove", icon=":material/delete:", type="tertiary", key=f"folder-remove-{folder.name}"):
            st.markdown("Comparisons that were made with it keep their figures.")
            st.button("Remove it", key=f"folder-remove-now-{folder.name}", on_click=_remove, args=(folder.name,))


def _form() -> None:
    st.caption(
        ":material/warning: A comparison with this metric runs the code of the folder with the rights of the studio. "
        "Add only code that you would run."
    )
    path = st.text_input("Folder on this machine", key="folder-path", placeholder="/home/ann/metrics/polite")
    left, *middle, right = st.columns(4)
    stem = suggest_name(Path(path.strip()).name) if path.strip() else ""
    name = left.text_input("Name", stem, key=f"folder-name-{stem}")
    way = middle[0].selectbox("Direction", list(WAYS), key="folder-way")
    low = middle[1].number_input("Lowest figure", value=None, key="folder-low", placeholder=UNTOLD)
    high = right.number_input("Highest figure", value=None, key="folder-high", placeholder="none")
    st.button(
        "Add the folder",
        type="primary",
        disabled=not path.strip() or not name,
        on_click=_add,
        args=(path.strip(), name, WAYS[way], low, high),
    )


def _add(path: str, name: str, higher: bool | None, low: float | None, high: float | None) -> None:
    try:
        folders.add_folder(Path(path), name, person.name(), higher, low, high)
    except StudioError as error:
        show(error.message, error.hint)
    else:
        st.toast(f"{name} is among the metrics now.", icon=":material/check:")


def _remove(name: str) -> None:
    try:
        folders.remove_folder(name)
    except StudioError as error:
        show(error.message, error.hint)
