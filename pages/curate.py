"""Curate: look at the rows, find what is wrong with them, mend it, save a version."""

import streamlit as st

from lib.data.edits import WorkingCopy, open_copy
from studio import person, state, table_state
from studio.components import choose
from studio.components.curation import actions, checks_view, rows_view, splits_view, undo_buttons, versions_view
from studio.components.frame import Place, chain_bar, empty_state, header
from studio.components.job import follow
from studio.components.links import link

VIEWS = {
    "Rows": rows_view.show_rows_view,
    "Checks": checks_view.show_checks_view,
    "Splits": splits_view.show_splits_view,
    "Versions": versions_view.show_versions_view,
}

header("curate", "Look at the rows, find what is wrong with them, mend it, and save a version to train on.")
bar = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    info = choose.dataset(preferred="support-desk")
    if info is None:
        empty_state("There is no dataset yet.", "datasets", "Import one")
        st.stop()
    value, key = state.choice("view", list(VIEWS), "Rows")
    view = st.segmented_control("View", list(VIEWS), key=key, required=True, on_change=state.chosen, args=("view",))
    copy = open_copy(info)
    if copy.saved_as is not None:  # its edits belong to the version that they became
        copy = WorkingCopy(info, saved_as=copy.saved_as)
    if copy.saved_as is None:
        undo_buttons.show_undo(info)
        versions_view.save_button(info, copy)
    person.chooser()
state.remember("view", view or value)
table_state.keep_to(info.ref)
with bar:
    chain_bar(Place(dataset=info.ref, next_page="format", next_label="See it as the model will"))
if copy.saved_as is not None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("read only", color="orange", icon=":material/lock:")
        st.markdown(f"The edits of this version were saved as version {copy.saved_as}.", width="content")
        link("curate", f"Open version {copy.saved_as}", icon=None, dataset=f"{info.name}@{copy.saved_as}")
actions.show_error()
job = versions_view.saving(info)
if job is not None:
    follow(job, "rows")
else:
    VIEWS[view or value](info, copy)
