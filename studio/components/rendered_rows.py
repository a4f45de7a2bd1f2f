"""Pages of rendered rows: text with marks, and token counts when a tokenizer is in hand."""

from __future__ import annotations

import streamlit as st

from lib.data import datasets
from lib.data.columns import ROW_ID, SPLIT
from lib.data.datasets import DatasetInfo
from lib.data.mapping import read_conversation
from lib.errors import StudioError
from lib.formats import ModelTokenizer, render
from studio.components.segments import legend, show_segments
from studio.components.text import escape

PAGE_ROWS = 5


@st.fragment
def show_rows(info: DatasetInfo, template: str, tokenizer: ModelTokenizer | None) -> None:
    """A few rows a page, in order."""
    pages = max(-(-info.rows // PAGE_ROWS), 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        legend()
        number = st.pagination(pages, key="rendered-page")
    for row in datasets.page(info, limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS).rows:
        facts = st.empty()
        about = f"row {row[ROW_ID]} · {row[SPLIT]}"
        try:
            segments = render(read_conversation(row, info.mapping), template, tokenizer)
        except StudioError as error:
            facts.markdown(f":small[:gray[{about}]]")
            st.warning(f"{escape(error.message)} {escape(error.hint)}", icon=":material/block:")
            continue
        if tokenizer:
            tokens = tokenizer.tokenize(segments)
            answer = sum(tokens.trained)
            about += f" · prompt {len(tokens) - answer} · answer {answer} · total {len(tokens)} tokens"
        facts.markdown(f":small[:gray[{about}]]")
        show_segments(segments, key=f"rendered-{info.ref}-{template}-{row[ROW_ID]}")
