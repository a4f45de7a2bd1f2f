"""Every page: its file, title, icon and address. Pages are named by their key everywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
LOGO = str(ROOT / "studio" / "static" / "logo.svg")
LOGO_SMALL = ICON = str(ROOT / "studio" / "static" / "icon.svg")


@dataclass(frozen=True)
class Entry:
    """A page's title and Material icon; its file is `pages/<key>.py`, its address `/<key>`."""

    title: str
    icon: str


TABLE: dict[str, Entry] = {
    "home": Entry("Home", ":material/home:"),
    "datasets": Entry("Datasets", ":material/database:"),
    "curate": Entry("Curate", ":material/fact_check:"),
    "format": Entry("Format", ":material/data_object:"),
    "train": Entry("Train", ":material/model_training:"),
    "runs": Entry("Runs", ":material/timeline:"),
    "playground": Entry("Playground", ":material/forum:"),
    "compare": Entry("Compare", ":material/compare_arrows:"),
    "vote": Entry("Vote", ":material/how_to_vote:"),
    "system": Entry("System", ":material/memory:"),
}

SECTIONS: dict[str, list[str]] = {
    "": ["home"],
    "Data": ["datasets", "curate", "format"],
    "Models": ["train", "runs"],
    "Evidence": ["playground", "compare", "vote"],
    "Machine": ["system"],
}


def page(name: str) -> st.Page:
    """Streamlit's object for a page; equal for equal names."""
    entry = TABLE[name]
    return st.Page(
        ROOT / "pages" / f"{name}.py", title=entry.title, icon=entry.icon, url_path=name, default=name == "home"
    )
