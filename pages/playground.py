"""Playground: one question, or a conversation, to base and tuned models side by side."""

import streamlit as st

from studio.components.frame import Place, chain_bar, empty_state, header
from studio.components.playground import held, turns
from studio.components.playground.asked import show_settings
from studio.components.playground.keeping import show_kept
from studio.components.playground.panes import chosen, place, show_bar
from studio.components.playground.prompt import show_prompt, show_tools

header("playground", "The same question to base and tuned models side by side, each in the template it was trained in.")
panes = chosen()
if not panes:
    empty_state(
        "There is no model to ask yet. `make setup` brings the starter model; the Train page fetches others.",
        "train",
        "Choose a model",
    )
    st.stop()
dataset, template, run = place(panes)
chain_bar(
    Place(
        dataset=dataset,
        template=template,
        run=run,
        next_page="compare" if run else "",
        next_label="Compare on many questions",
    )
)
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="playground-bar"):
    show_bar(panes)
    show_settings()
talk = held.talk()
conversation = st.container()
show_prompt(talk, panes)
marked = show_tools(talk, panes)
show_kept()
with conversation:
    if talk.turns:
        boxes = turns.show_turns(talk, panes, marked)
    else:
        turns.show_empty(panes)
if talk.going:
    turns.stream(panes, boxes)
