"""Files that a browser sends: each is saved once, and later reruns find it."""

from __future__ import annotations

import shutil
import uuid
from typing import Any

import streamlit as st

from lib.storage import disk_errors, suggest_name, uploads_dir

_SAVED = "uploads"  # key of the session: id that Streamlit gave the file -> where it lies


def kept(file: Any, stem: str, ending: str) -> str:
    """Where an uploaded file lies; of the browser's name for it nothing is kept but what is given here.

    Raises:
        StorageError: disk full or folder not writable.
    """
    saved: dict[str, str] = st.session_state.setdefault(_SAVED, {})
    if file.file_id not in saved:
        target = uploads_dir() / uuid.uuid4().hex / f"{suggest_name(stem)}{ending}"
        with disk_errors(target):
            target.parent.mkdir(parents=True)
            with target.open("wb") as out:
                shutil.copyfileobj(file, out)
        saved[file.file_id] = str(target)
    return saved[file.file_id]
