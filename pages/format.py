"""Format: every row as the model will see it, with the part it learns marked."""

import streamlit as st

from lib import models
from lib.formats import TEMPLATES, load_tokenizer
from studio.components import choose, exporting, rendered_rows
from studio.components.frame import Place, chain_bar, empty_state, header

header("format", "See each row as text in the model's own format, with the part that is learned marked.")
bar = st.container()
left, middle, right = st.columns(3)
with left:
    info = choose.dataset()
if info is None:
    empty_state("There is no dataset yet.", "datasets", "Import one")
    st.stop()
with middle:
    template = choose.template()
with right:
    model = choose.tokenizer()
st.caption(TEMPLATES[template].help)
with bar:
    place = Place(dataset=info.ref, template=template, next_page="train", next_label="Train on this")
    chain_bar(place)

tokenizer = load_tokenizer(models.find(model).path) if model else None
rendered_rows.show_rows(info, template, tokenizer)
exporting.export_box(info, template, model)
