"""A run's packages: made here, checked, with the commands that serve them."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

import streamlit as st

from lib import packaging
from lib.errors import StudioError
from lib.packaging import PackageView
from lib.packaging.packages import DTYPES, KINDS, MOST_TO_SEND
from lib.training import runs
from lib.training.runs import RunView
from lib.words import size
from studio import person
from studio.components.errors import show, show_job_error
from studio.components.job import follow
from studio.components.links import link
from studio.components.text import escape

ABOUT = {
    "adapter": "The adapter alone: small, and for those who have the base.",
    "merged": "Base and adapter as one model, checked against the two before it counts as done.",
}


def show_packaging(run: RunView) -> None:
    """What is there, how far a package is, and a form for another."""
    if not run.has_adapter or run.job.live:
        return
    job, made = packaging.newest_job(run.id), packaging.packages(run.id)
    # Open also when it has ended: what was waited for must not fold away.
    with st.expander("Package", icon=":material/package_2:", expanded=bool(job or made)):
        if job and job.live:
            follow(job.id, "")
        else:
            if job and job.error:
                show_job_error(job.error)
            _form(run)
        for package in made:
            _package(package)


def _form(run: RunView) -> None:
    kind = st.radio("As", list(KINDS), key="package-kind", captions=[ABOUT[kind] for kind in KINDS])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dtype = "auto"
        if kind == "merged":
            dtype = st.selectbox(
                "Precision",
                DTYPES,
                key="package-dtype",
                width=150,
                help="auto: that of the base, or of what was trained against.",
            )
        licence = st.text_input(
            "Licence", key="package-licence", placeholder="apache-2.0", width=160, help="Named on the card."
        )
        push = st.text_input(
            "Push to the Hub",
            key="package-push",
            placeholder="owner/name",
            width=220,
            help="Empty: it stays on this machine. Needs HF_TOKEN or `hf auth login`.",
        )
        public = st.checkbox("Public", key="package-public") if push.strip() else False
    if st.button("Package it", type="primary", icon=":material/package_2:", key="package"):
        try:
            packaging.submit(
                run.id, kind, person.name(), dtype=dtype, licence=licence.strip(), push=push.strip(), public=public
            )
        except StudioError as error:
            show(error.message, error.hint)
        else:
            st.rerun()


def _package(package: PackageView) -> None:
    with st.container(border=True):
        st.markdown(f"**{package.kind}** :small[{size(package.bytes)}, in this folder]")
        st.code(str(package.folder), language=None, wrap_lines=True)
        parity = package.parity
        if parity:
            st.markdown(f":material/verified: :small[{escape(parity['sentence'])}]")
        if package.bytes <= MOST_TO_SEND:
            st.download_button(
                "Download",
                partial(packaging.zipped, package),
                f"{package.run}-{package.kind}.zip",
                icon=":material/download:",
                help="All its files in one archive.",
                on_click="ignore",
                key=f"package-download-{package.kind}",
            )
        if package.kind == "merged":
            link("playground", "Chat with it", icon=":material/chat:", panes=_panes(package))
        for note in package.manifest.get("notes", []):
            st.caption(escape(note))
        for words, command in package.manifest.get("commands", {}).items():
            st.caption(escape(words))
            st.code(command, language=None, wrap_lines=True)


def _panes(package: PackageView) -> str:
    """The package and the run that it is of, as the Playground's address names them."""
    keys = (f"model:{package.folder}|{runs.get(package.run).template}|none", f"run:{package.run}")
    return ",".join(quote(key, safe="|:/@") for key in keys)
