"""Format: every row as the model will see it, token by token, with the part it learns marked."""

import streamlit as st

from lib.data.versions import present
from studio import state
from studio.components import choose
from studio.components.curation.actions import show_error
from studio.components.curation.versions_view import saving
from studio.components.formatting.export_view import show_export_view
from studio.components.formatting.lint_view import show_headline, show_lint_view
from studio.components.formatting.look import choose_look
from studio.components.formatting.notices import show_unsaved
from studio.components.formatting.row import show_row
from studio.components.formatting.template_view import show_template_view
from studio.components.frame import Place, chain_bar, empty_state, header
from studio.components.job import follow

VIEWS = {"Rows": show_row, "All rows": show_lint_view, "Own template": show_template_view, "Export": show_export_view}

header("format", "See each row as text and tokens in the model's own format, with the part that is learned marked.")
bar = st.container()
choosers = st.container(horizontal=True, vertical_alignment="bottom")
with choosers, st.container(width=175):
    info = choose.dataset()
if info is None:
    empty_state("There is no dataset yet.", "datasets", "Import one")
    st.stop()
with choosers:
    look = choose_look(info, present(info))
with bar:
    chain_bar(Place(dataset=info.ref, template=look.template, next_page="train", next_label="Train on this"))
value, key = state.choice("view", list(VIEWS), "Rows")
with st.container(horizontal=True, vertical_alignment="bottom"):
    view = st.segmented_control("View", VIEWS, key=key, required=True, on_change=state.chosen, args=("view",))
    show_headline(look)
state.remember("view", view or value)
show_error()
job = saving(info)
if job is not None:
    follow(job, "rows")
else:
    show_unsaved(look)
    VIEWS[view or value](look)
