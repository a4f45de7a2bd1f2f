"""Pieces of a job's line: its name as a link, and what can be done with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import streamlit as st

from lib.errors import StudioError
from lib.system import actions
from lib.system.jobs import LiveJob
from lib.system.titles import Title
from studio import person
from studio.components.links import link_stored
from studio.components.text import escape, shorten

LONGEST = 60  # characters
_REFUSED = "system-refused"


def named(title: Title) -> None:
    """What a job is called; a link where its object has a page."""
    text = escape(shorten(title.text, LONGEST))
    if title.link:
        link_stored(title.link, text)
    else:
        st.markdown(text, width="content")


def stop_button(job: LiveJob, label: str, icon: str = ":material/stop:", help: str | None = None) -> None:
    """Ends the job; greyed out once somebody has asked it to."""
    st.button(
        "Stopping" if job.view.stopping else label,
        key=f"stop-{job.id}",
        icon=icon,
        help=help,
        type="tertiary",
        disabled=job.view.stopping,
        on_click=_stop,
        args=(job.id,),
    )


def up_button(job: LiveJob, first: bool) -> None:
    """Puts a waiting job one place further to the front."""
    st.button(
        "Up",
        key=f"up-{job.id}",
        icon=":material/arrow_upward:",
        type="tertiary",
        disabled=first,
        on_click=_move_up,
        args=(job.id,),
    )


def tell() -> None:
    """Say what a button could not do. A part of the page that is drawn by itself can show nothing from a callback."""
    if refused := st.session_state.pop(_REFUSED, ""):
        st.toast(escape(refused), icon=":material/info:")


def _stop(job_id: int) -> None:
    with _kept():
        actions.stop(job_id, person.name())


def _move_up(job_id: int) -> None:
    with _kept():
        actions.move_up(job_id, person.name())


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    """What cannot be done any more, such as stopping a job that has ended, is kept for `tell`."""
    try:
        yield
    except StudioError as error:
        st.session_state[_REFUSED] = str(error)


@contextlib.contextmanager
def toasted() -> Iterator[None]:
    """In a callback of a button that is no part of a fragment: what cannot be done any more is said briefly."""
    try:
        yield
    except StudioError as error:
        st.toast(escape(str(error)), icon=":material/info:")
