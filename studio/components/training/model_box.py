"""A model of the Hub that is not here yet: what it is, and its download."""

from __future__ import annotations

import streamlit as st

from lib import models
from lib.errors import NotFound, StudioError
from lib.models import job as download_job
from lib.models.hub import HubModel, look
from studio import person
from studio.components.errors import show, show_job_error
from studio.components.job import follow
from studio.components.text import escape


def is_here(model: str) -> bool:
    """Whether the model can be used; where it is one of the Hub that is not here, what to do about it is drawn."""
    try:
        models.find(model)
        return True
    except NotFound as error:
        if not models.is_hub_id(model):
            show(error.message, error.hint)
            return False
    except StudioError as error:
        show(error.message, error.hint)
        return False
    with st.container(border=True):
        st.markdown(f"**{escape(model)}** is not on this machine yet.")
        _fetch(model)
    return False


def _fetch(model: str) -> None:
    job = download_job.newest_job(model)
    if job and job.live:
        follow(job.id, "bytes")
        return
    if job and job.error:
        show_job_error(job.error)
    if st.button("Look it up on the Hub", icon=":material/search:"):
        st.session_state["hub-model"] = _looked_up(model)
    found: HubModel | None = st.session_state.get("hub-model")
    if found is None or found.asked != model:
        return
    for line in found.lines():
        st.markdown(f":small[{escape(line)}]")
    for message, hint in found.refusals:
        st.error(f"{escape(message)}\n\n{escape(hint)}", icon=":material/block:")
    if not found.refusals and st.button("Download", type="primary", icon=":material/download:"):
        download_job.submit(model, person.name())
        st.rerun()


def _looked_up(model: str) -> HubModel | None:
    try:
        with st.spinner("Asking the Hub …"):
            return look(model)
    except StudioError as error:
        show(error.message, error.hint)
        return None
