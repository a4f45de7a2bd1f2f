"""What a comparison asks: held-out rows, a prompt set, or a file of prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from lib.data import datasets
from lib.errors import StudioError
from lib.evaluation import prompt_sets
from lib.words import counted
from studio.components.comparing.draft import data_of
from studio.components.text import escape
from studio.components.uploads import kept

OWN, OTHER, SET, UPLOAD = "the run's own data", "another dataset", "a prompt set", "a file of prompts"
ENDINGS = ["jsonl", "json", "csv", "tsv", "txt", "parquet"]
SPLITS = ("test", "validation", "train")


def choose_data(runs: list[str], slots: dict[str, Any]) -> dict[str, str]:
    """`data` and `split`, `prompt_set`, or `upload`, as `Draft` takes them."""
    own = data_of(runs[0]) if runs else ""
    ways = [OWN, OTHER, SET, UPLOAD] if own else [OTHER, SET, UPLOAD]
    linked = st.query_params.get("asked", "")
    way = st.segmented_control(
        "What is asked", ways, default=SET if linked else ways[0], required=True, key=f"new-asked-{bool(own)}-{linked}"
    )
    found: dict[str, str] = {}
    if way == SET:
        found["prompt_set"] = _prompt_set(linked)
    elif way == UPLOAD:
        found["upload"] = saved_upload("new-upload")
    else:
        found = _split(own if way == OWN else _dataset())
    slots["data"] = st.container()
    return found


def _dataset() -> str:
    refs = [info.ref for info in datasets.list_datasets()]
    return st.selectbox("Dataset", refs, key="new-dataset") or ""


def _split(ref: str) -> dict[str, str]:
    if not ref:
        return {}
    try:
        info = datasets.get(ref)
    except StudioError as error:
        st.caption(escape(error.message))
        return {}
    there = [name for name in (*SPLITS, *info.splits) if info.splits.get(name)]
    there = list(dict.fromkeys(there))
    split = st.segmented_control(
        "Split",
        there,
        default=there[0] if there else None,
        required=True,
        key=f"new-split-{ref}",
        format_func=lambda name: f"{name} · {info.splits[name]:,}",
        help="test: rows that runs never learn from.",
    )
    if split == "train":
        st.caption(":material/warning: Runs were trained on these rows: that tells what was memorised, not learned.")
    elif "test" not in there:
        st.caption("It has no test rows. Hold some out on the Curate page (Splits) and train again.")
    return {"data": ref, "split": split or ""}


def _prompt_set(linked: str) -> str:
    sets = {one.name: one for one in prompt_sets.list_sets()}
    if not sets:
        st.caption("There is no prompt set yet. Upload a file, or keep prompts from the Playground.")
        return ""
    names = list(sets)
    chosen = st.selectbox(
        "Prompt set",
        names,
        names.index(linked) if linked in sets else 0,
        key=f"new-set-{linked}",
        format_func=lambda name: (
            f"{name} · {counted(sets[name].prompts, 'prompt')}, {sets[name].with_reference:,} with a reference"
        ),
    )
    return chosen or ""


def saved_upload(key: str) -> str:
    """Where an uploaded file lies; saved once, later reruns find it. Empty while there is none."""
    file = st.file_uploader(
        "Prompts",
        ENDINGS,
        key=key,
        help="A question a line (.txt), or rows with a column `prompt` and, where the right answer is known, "
        "`reference`; conversations are read too. It is kept as a prompt set.",
    )
    if file is None:
        return ""
    stem, _, ending = Path(file.name).name.rpartition(".")
    return kept(file, stem, f".{ending.lower() if ending.lower() in ENDINGS else 'txt'}")
