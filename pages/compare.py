"""Compare: is the tuned model better, by how much, and how sure is that; with prompt sets and metrics of a team."""

import streamlit as st

from lib.errors import NotFound
from lib.evaluation import comparisons
from studio.components.comparing import place
from studio.components.comparing.one import show_comparison
from studio.components.comparing.overview import show_overview
from studio.components.comparing.own_metrics import show_own_metrics
from studio.components.comparing.sets_view import show_sets
from studio.components.frame import header
from studio.components.text import escape

VIEWS = {"comparisons": show_overview, "prompt sets": show_sets, "rules": show_own_metrics}

header("compare", "Is the tuned model better than its base, by how much, and how sure is that?")
place.hold()
asked = st.query_params.get("comparison", "")
view = None
if asked:
    try:
        view = comparisons.get(place.number("comparison") or 0)
    except NotFound:
        st.warning(f"There is no comparison {escape(asked)}. All of them are below.", icon=":material/link_off:")
if view is not None:
    show_comparison(view)
else:
    VIEWS[place.switch("view", "View", list(VIEWS), "comparisons")]()
