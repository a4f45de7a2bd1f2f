"""Runs: all of them, or one with its live curve, log and results."""

import streamlit as st

from lib.errors import StudioError
from lib.training import runs
from studio.components.errors import show
from studio.components.frame import empty_state, header
from studio.components.runs.adopting import show_adopting
from studio.components.runs.listed import show_list
from studio.components.runs.one import show_run
from studio.components.runs.side_by_side import show_side_by_side

header("runs", "Every fine-tune: what it was made of, how it went, and what came out.")

asked = st.query_params.get("run", "")
if asked:
    try:
        show_run(runs.get(asked))
    except StudioError as error:
        show(error.message, error.hint)
        if st.button("All runs", icon=":material/arrow_back:"):
            st.query_params.clear()
            st.rerun()
elif several := st.query_params.get("runs"):
    show_side_by_side(several.split(","))
else:
    views = runs.list_runs()
    if not views:
        empty_state("No run yet. First look on the sample takes some minutes.", "train", "Train First look")
        show_adopting()
        st.stop()
    show_list(views)
