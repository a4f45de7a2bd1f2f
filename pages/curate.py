"""Curate: what is wrong with a dataset, check by check, and the rows in question."""

import streamlit as st

from studio.components import check_view, choose
from studio.components.frame import Place, chain_bar, empty_state, header

header(
    "curate",
    "Find what is wrong with the rows before a model learns it: duplicates, cut answers, personal data and more.",
)
bar = st.container()
info = choose.dataset(preferred="support-desk")
if info is None:
    empty_state("There is no dataset yet.", "datasets", "Import one")
    st.stop()
with bar:
    chain_bar(Place(dataset=info.ref, next_page="format", next_label="See it as the model will"))
check_view.show(info)
