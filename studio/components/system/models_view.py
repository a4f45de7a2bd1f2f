"""Models and their files: what each is, what is wrong with it, deleting it, fetching another."""

from __future__ import annotations

import streamlit as st

from lib import models
from lib.models import ModelInfo, download
from lib.models import job as download_job
from lib.models.download import Unfinished
from lib.models.removal import delete_model, runs_on
from lib.system import disk
from lib.words import amount, counted, size
from studio import person
from studio.components.job import follow
from studio.components.system.lines import toasted
from studio.components.text import ago, escape
from studio.components.training.model_box import is_here

FIELD = "fetch-model"
SOURCES = {
    "starter": "brought by `make setup`",
    "hub": "fetched from the Hub",
    "hub cache": "in the cache of the Hub's tools",
    "folder": "a folder put here by hand",
}


def show_models() -> None:
    """All models of the home, downloads that broke off, and a field to fetch one."""
    found = models.list_models()
    total = sum(model.size for model in found)
    st.header("Models", anchor=False)
    st.caption(f"{counted(len(found), 'model')}, {size(total)} of weights." if found else "No model yet.")
    for model in found:
        _model(model)
    asked = _field()
    for partial in download.unfinished():
        if partial.id != asked:
            _unfinished(partial)


def _model(model: ModelInfo) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape(model.name)}**", width="content")
            if model.problem:
                st.badge("cannot be used", color="red", icon=":material/error:")
            else:
                st.badge("ready", color="green", icon=":material/check:")
            st.markdown(f":small[{escape(' · '.join(_facts(model)))}]", width="content")
            st.space("stretch")
            _delete(model)
        if model.problem:
            st.markdown(
                f":material/error: {escape(model.problem[:1].upper() + model.problem[1:])} {escape(model.remedy)}"
            )
        st.markdown(f":small[:gray[{escape(_origin(model))}]]")


def _facts(model: ModelInfo) -> list[str]:
    facts = [size(model.size), model.architecture]
    facts += [f"{amount(model.parameters)} parameters"] if model.parameters else []
    facts += [f"quantised with {model.quantized}"] if model.quantized else []
    facts += [f"{model.context_length:,} tokens of context"] if model.context_length else []
    return [*facts, model.license or "licence unknown"]


def _origin(model: ModelInfo) -> str:
    fetched = f" at commit {model.commit[:12]}, {ago(model.fetched_at)}" if model.commit else ""
    linked = f", a link to {model.path.resolve()}" if model.path.is_symlink() else ""
    return f"{SOURCES.get(model.source, model.source)}{fetched} · {model.path}{linked}".replace("`", "")


def _delete(model: ModelInfo) -> None:
    box = st.popover(
        "Delete", icon=":material/delete:", type="tertiary", key=f"ask-{model.path.name}", on_change="rerun"
    )
    if not box.open:
        return
    with box:
        needed = runs_on(model)
        lost = f"The adapters of {counted(len(needed), 'run')} cannot be used without it. " if needed else ""
        where = "Only the link goes, not what it leads to." if model.path.is_symlink() else "Its files go."
        st.markdown(f"Delete {escape(model.name)}, {size(model.size)}? {lost}{where}")
        st.button(
            "Delete it",
            key=f"delete-{model.path.name}",
            type="primary",
            on_click=_gone,
            args=(model.path.name, model.name),
        )


def _gone(folder: str, name: str) -> None:
    with toasted():
        delete_model(folder, person.name())
        disk.forget()
        st.toast(f"{escape(name)} deleted", icon=":material/check:")


def _unfinished(partial: Unfinished) -> None:
    job = download_job.newest_job(partial.id)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape(partial.id)}**", width="content")
            st.badge("not whole", color="orange", icon=":material/downloading:")
            st.markdown(f":small[{size(partial.done)} of {size(partial.total)} fetched]", width="content")
            st.space("stretch")
            if not (job and job.live):
                st.button(
                    "Go on",
                    key=f"resume-{partial.path.name}",
                    icon=":material/download:",
                    type="tertiary",
                    on_click=_fetch,
                    args=(partial.id,),
                )
                st.button(
                    "Delete",
                    key=f"delete-{partial.path.name}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=_gone,
                    args=(partial.path.name, partial.id),
                )
        if job and job.live:
            follow(job.id, "bytes")


def _fetch(name: str) -> None:
    with toasted():
        download_job.submit(name, person.name())


def _field() -> str:
    """Fetch another one; returns the id that was typed."""
    asked = st.text_input(
        "Fetch a model from the Hub",
        key=FIELD,
        placeholder="owner/name",
        icon=":material/cloud_download:",
        persist_state="session",
        help="owner/name, or owner/name@revision. It is looked at first; nothing is fetched until you say so.",
    ).strip()
    if asked and is_here(asked):
        st.caption(f":material/check: {escape(asked)} is on this machine.")
    return asked
