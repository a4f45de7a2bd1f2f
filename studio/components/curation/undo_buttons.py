"""Taking back and bringing back, on every view of the Curate page."""

from __future__ import annotations

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.data.edits.undo import redoable, undoable
from studio import person
from studio.components.curation import actions
from studio.components.text import escape


def show_undo(info: DatasetInfo) -> None:
    """Draw both buttons; their help says what they would do."""
    mine, again = undoable(info, person.name()), redoable(info, person.name())
    st.button(
        "Undo",
        shortcut="U",
        icon=":material/undo:",
        type="tertiary",
        disabled=mine is None,
        help=f"Takes back: {escape(mine.what)}" if mine else "Nothing of yours to take back",
        on_click=actions.undo_last,
        args=(info,),
    )
    st.button(
        "Redo",
        shortcut="Shift+U",
        icon=":material/redo:",
        type="tertiary",
        disabled=again is None,
        help=f"Brings back: {escape(again.what)}" if again else "Nothing of yours to bring back",
        on_click=actions.redo_last,
        args=(info,),
    )
