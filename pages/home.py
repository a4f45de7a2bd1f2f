"""Home: where things stand and the one thing to do next."""

import streamlit as st

from lib import overview
from studio.components.errors import guarded
from studio.components.home import show_activity, show_cards, show_next, show_title


def draw() -> None:
    """All of the page."""
    now = overview.read()
    show_title(now)
    show_next(overview.next_step(now), now)
    show_cards(now)
    show_activity(now.activity)


@st.fragment(run_every="2s")
@guarded
def draw_while_live() -> None:
    """The same again and again until nothing is under way any more."""
    if not overview.live_jobs():
        st.rerun()
    draw()


if overview.live_jobs():
    draw_while_live()
else:
    draw()
