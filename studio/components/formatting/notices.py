"""What a person should know before trusting what the page shows."""

from __future__ import annotations

import streamlit as st

from lib.data.versions import unsaved
from lib.words import counted
from studio.components.curation.undo_buttons import show_undo
from studio.components.curation.versions_view import save_button
from studio.components.formatting.look import Look


def show_unsaved(look: Look) -> None:
    """Edits that a run would not see yet, with the way to save them."""
    if not look.copy.touched:
        return
    waiting = unsaved(look.info)
    if waiting:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(f"{counted(waiting, 'row')} edited", color="orange", icon=":material/edit:")
            st.markdown("Shown as edited. A run or an export takes the saved version.", width="content")
            save_button(look.info, look.copy)
            show_undo(look.info)
