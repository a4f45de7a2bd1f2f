"""The app that Streamlit runs: page table, navigation, and one boundary for whatever goes wrong on a page."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts only this file's folder there
    sys.path.insert(0, str(ROOT))

from studio import person, state  # noqa: E402
from studio.components.errors import boundary  # noqa: E402
from studio.page_table import ICON, LOGO, LOGO_SMALL, SECTIONS, page  # noqa: E402

st.set_page_config(page_title="Tandem", page_icon=ICON, layout="wide", initial_sidebar_state="auto")
st.logo(LOGO, size="large", icon_image=LOGO_SMALL)
current = st.navigation({section: [page(name) for name in names] for section, names in SECTIONS.items()})
state.enter(current.url_path)
person.keep()
with boundary():
    current.run()
