"""An adapter that was made elsewhere, taken in as a run."""

from __future__ import annotations

import streamlit as st

from lib import models
from lib.errors import StudioError
from lib.formats import template_names
from lib.training.adopt import adopt
from lib.training.config import QUANTIZATIONS
from studio import person
from studio.components.errors import show
from studio.components.links import go
from studio.components.training.form import WORDS

OURS = "as the adapter says"


def show_adopting() -> None:
    """A form behind a button; nothing where there is no model that it could belong to."""
    bases = [model.name for model in models.list_models()]
    if not bases:
        return
    with st.popover("Take in an adapter", icon=":material/input:", type="tertiary"):
        st.caption("A LoRA adapter that peft wrote elsewhere becomes a run: to ask, to compare, to package.")
        source = st.text_input(
            "Adapter",
            key="adopt-source",
            placeholder="/path/to/adapter or owner/name",
            help="A folder of this machine, or an id on the Hub.",
        )
        name = st.text_input("Name of the run", key="adopt-name", placeholder="their-adapter")
        base = st.selectbox("Trained on", bases, key="adopt-base")
        template = st.selectbox(
            "In the template",
            [OURS, *template_names()],
            key="adopt-template",
            help="Adapters of the studio say it themselves.",
        )
        held = st.selectbox(
            "Its base was held as",
            [OURS, *QUANTIZATIONS],
            key="adopt-held",
            format_func=lambda kind: WORDS.get(kind, kind),
        )
        if st.button("Take it in", type="primary", key="adopt", disabled=not (source.strip() and name.strip())):
            _take_in(source.strip(), name.strip(), base, template, held)


def _take_in(source: str, name: str, base: str, template: str, held: str) -> None:
    try:
        with st.spinner("Looking at it …"):
            run = adopt(
                source,
                name,
                base,
                "" if template == OURS else template,
                person.name(),
                None if held == OURS else held,
            )
    except StudioError as error:
        show(error.message, error.hint)
    else:
        go("runs", run=run.id)
