"""What the lint says of one row, in badges."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from lib.errors import StudioError
from lib.formats.lint import LINTS, lint_row
from lib.records import Conversation
from studio.components.formatting.look import Look
from studio.components.text import escape

Colour = Literal["red", "orange", "gray"]
SEVERITY: dict[str, tuple[Colour, str]] = {
    "fault": ("red", ":material/error:"),
    "doubt": ("orange", ":material/help:"),
    "note": ("gray", ":material/info:"),
}


def show_findings(look: Look, conversation: Conversation) -> None:
    """Each finding with what exactly; why it matters and what to do are in the badge's help."""
    if look.tokenizer is None:
        return
    try:
        found = lint_row(conversation, look.template, look.tokenizer, look.max_length, look.escape)
    except StudioError:
        return  # the row itself says what is wrong with template or model
    for finding in found:
        kind = LINTS[finding.kind]
        colour, icon = SEVERITY[kind.severity]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(kind.label, color=colour, icon=icon, help=f"{kind.explanation} {kind.remedy}")
            if finding.kind not in ("cannot_carry", "tags_in_text"):  # the refusal below says it
                st.markdown(f":small[:gray[{escape(finding.detail)}]]", width="content")
