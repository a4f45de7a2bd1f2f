"""What is stored: the disk part by part, what can be freed, the models and their files."""

from __future__ import annotations

import streamlit as st

from lib.system import disk, freeing
from lib.system.disk import PARTS, Usage
from lib.words import counted, size
from studio import person
from studio.components.errors import guarded
from studio.components.system.lines import toasted
from studio.components.system.models_view import show_models
from studio.components.text import ago, escape

LITTLE = 0.1  # share of the disk that is free: less is worth a warning


def show_storage() -> None:
    """Disk, then models."""
    st.header("Disk", anchor=False)
    usage = disk.latest()
    if usage is None:
        _measuring()
    else:
        _usage(usage)
    show_models()


@st.fragment(run_every="1s")
@guarded
def _measuring() -> None:
    if disk.latest() is not None:
        st.rerun()
    st.caption(":material/hourglass_top: Counting what lies in the home folder …")
    st.skeleton(height=200)


def _usage(usage: Usage) -> None:
    taken = 1 - usage.free / usage.total if usage.total else 0.0
    st.progress(min(taken, 1.0), f"{size(usage.free)} free of {size(usage.total)} on the disk that holds the studio")
    if taken > 1 - LITTLE:
        st.warning("The disk is nearly full: runs and imports may fail.", icon=":material/warning:")
    largest = max(usage.parts.values()) or 1
    rows = [
        {"part": name, "size": size(count), "share": count / largest, "what": PARTS[name]}
        for name, count in sorted(usage.parts.items(), key=lambda one: -one[1])
        if count
    ]
    if rows:
        st.dataframe(rows, hide_index=True, column_config=_COLUMNS, alt="Disk use by part")
    st.caption(
        f"{size(usage.used)} in {escape(usage.home)}, counted {ago(usage.measured_at)}. "
        "What links lead to is not counted: it lies elsewhere."
    )
    _freeable()


_COLUMNS = {
    "part": st.column_config.TextColumn("Part", width="small"),
    "size": st.column_config.TextColumn("Size", width="small"),
    "share": st.column_config.ProgressColumn("", format=" ", min_value=0, max_value=1, width="medium"),
    "what": st.column_config.TextColumn("What it is", width="large"),
}


def _freeable() -> None:
    for one in freeing.freeable():
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            many = counted(one.items, one.name.removesuffix("s"))
            st.markdown(f"**{size(one.size)}** in {many} :small[:gray[{one.help}]]", width="content")
            st.space("stretch")
            with st.popover("Delete", icon=":material/delete:", type="tertiary"):
                st.markdown(f"Delete {many}? {one.help}")
                st.button(f"Delete {many}", key=f"free-{one.name}", type="primary", on_click=_free, args=(one.name,))


def _free(name: str) -> None:
    with toasted():
        freed = freeing.free(name, person.name())
        st.toast(f"{size(freed.size)} freed", icon=":material/check:")
