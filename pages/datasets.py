"""Datasets: bring data in, see how it was understood, look at what is there."""

import streamlit as st

from lib.data import datasets
from lib.errors import StudioError
from studio.components import dataset_view, importing
from studio.components.errors import show
from studio.components.frame import header

header("datasets", "Bring in questions and answers in any common shape, and look at them as the model will read them.")

asked = st.query_params.get("dataset", "")
if asked:
    try:
        dataset_view.show_dataset(datasets.get(asked))
    except StudioError as error:
        show(error.message, error.hint)
        if st.button("All datasets", icon=":material/arrow_back:"):
            st.query_params.clear()
            st.rerun()
else:
    importing.panel()
    dataset_view.show_list(datasets.list_datasets())
