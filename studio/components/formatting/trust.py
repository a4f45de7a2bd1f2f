"""Whether a template that somebody wrote here brings every row of a dataset back: to be known before it is used."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.data import round_trip_job
from lib.data.datasets import DatasetInfo
from lib.errors import StudioError
from lib.formats import get_template
from lib.jobs.queue import JobView
from lib.words import counted
from studio import person
from studio.components.errors import show, show_job_error
from studio.components.formatting.in_hand import see_row
from studio.components.formatting.look import Look
from studio.components.job import follow
from studio.components.links import link
from studio.components.text import escape

CHECKED_UNASKED = 50_000  # rows up to which saving a template starts the check
_HELP = "Every row is written in the template and read back; what comes back otherwise is named."


def start_check(look: Look, template: str) -> None:
    """Check the rows in hand with the newest version of a template."""
    round_trip_job.submit(look.info, template, look.model, look.escape, person.name())


def show_trust(look: Look) -> None:
    """The last check of the chosen template on this dataset, with its findings; a button to check it."""
    if not get_template(look.template).source:
        return
    try:
        job = round_trip_job.newest_job(look.info, look.template, look.model, look.escape)
    except StudioError as error:
        show(error.message, error.hint)
        return
    if job and job.live:
        follow(job.id, "rows")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _badge(job)
        if st.button("Check again" if job else "Check all rows", icon=":material/sync_alt:", help=_HELP):
            start_check(look, look.template)
            st.rerun()
    if job and job.result:
        _findings(job.result)
    elif job:
        show_job_error(job.error)


def warn_if_unchecked(info: DatasetInfo, template: str, model: str, escape: bool) -> None:
    """One line where a template is about to be used; nothing for those that come with the studio."""
    if not get_template(template).source:
        return
    job = round_trip_job.newest_job(info, template, model, escape)
    if job and job.result and job.result["safe"]:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _badge(job)
        link("format", f"See {template}", dataset=info.ref, template=template, view="Own template")


def _badge(job: JobView | None) -> None:
    result = job.result if job else None
    if not result:
        words = "being checked" if job and job.live else "not checked on this dataset"
        st.badge(words, color="orange", icon=":material/help:", help=_HELP)
    elif result["rows"] and result["left_out"] == result["rows"]:
        st.badge("no row can be written in it", color="red", icon=":material/error:")
    elif not result["readable"]:
        st.badge("cannot be read back", color="orange", icon=":material/help:", help="Its layout could not be learned.")
    elif result["differs"]:
        st.badge(f"{counted(result['differs'], 'row')} come back otherwise", color="red", icon=":material/error:")
    else:
        back = result["same"] + result["whitespace"]
        st.badge(f"{counted(back, 'row')} come back", color="green", icon=":material/check:", help=_HELP)


def _findings(result: dict[str, Any]) -> None:
    """What else there is to know, with the first rows of each kind."""
    if result["whitespace"]:
        st.caption(
            f"Of {counted(result['whitespace'], 'row')} only spaces or line breaks at the ends of messages differ."
        )
    for reason, refused in result["refused"].items():
        _line(f"{counted(refused['rows'], 'row')} refused: {reason}", refused["first"][0])
    for number, difference in enumerate(result["differences"][:5]):
        _line(f"row {difference['row']}: {difference['what']}", difference["row"], number)
    more = result["differs"] - 5
    if more > 0:
        st.caption(f"and {counted(more, 'row')} more")


def _line(text: str, row: int, number: int = -1) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[{escape(text)}]", width="content")
        st.button(f"See row {row}", key=f"trust-{row}-{number}-{text}", type="tertiary", on_click=see_row, args=(row,))
