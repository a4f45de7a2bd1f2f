"""System: devices and what holds them, queue, workers, disk, models, versions, settings."""

import streamlit as st

from studio import state
from studio.components.frame import header
from studio.components.system.about import show_about
from studio.components.system.now import show_now
from studio.components.system.storage import show_storage

VIEWS = {"Now": show_now, "Storage": show_storage, "Versions and settings": show_about}

header("system", "What this machine computes with, what it is doing, and what the studio stores on it.")

value, key = state.choice("view", list(VIEWS), "Now")
view = st.segmented_control(
    "View", VIEWS, key=key, required=True, on_change=state.chosen, args=("view",), label_visibility="collapsed"
)
state.remember("view", view or value)
VIEWS[view or value]()
