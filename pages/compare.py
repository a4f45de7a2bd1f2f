"""Compare: the same question to base and tuned, or a whole split with metrics."""

import streamlit as st

from studio import state
from studio.components import asking, choose, comparison_view
from studio.components.frame import Place, chain_bar, empty_state, header

header("compare", "Base and tuned model side by side: one question at a time, or a whole held-out split with figures.")
bar = st.container()
comparison_view.follow_link()
run = choose.run()
if run is None:
    empty_state(
        "Nothing to compare yet: train a run first. First look takes about two minutes.", "train", "Train First look"
    )
    st.stop()
with bar:
    chain_bar(
        Place(dataset=run.data_ref, template=run.template, run=run.id, comparison=st.query_params.get("comparison", ""))
    )

VIEWS = ["ask both", comparison_view.SPLIT_VIEW]
_, widget = state.choice("view", VIEWS, VIEWS[0])
view = st.segmented_control(
    "View", VIEWS, required=True, key=widget, on_change=state.chosen, args=("view",), label_visibility="collapsed"
)
if view == "ask both":
    asking.show_panes(run)
else:
    comparison_view.show_split(run)
