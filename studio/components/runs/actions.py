"""What can be done with a run: go on with it, train it longer, start it anew with what would help, label it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.errors import StudioError
from lib.training import labels, runs, suggestions
from lib.training.remedies import remedy
from lib.training.runs import RunView
from studio import person
from studio.components.errors import show
from studio.components.links import go, link

LONGER = 20  # steps that the field proposes


def show_ends(run: RunView) -> None:
    """Buttons that end a live run: one keeps what it has learned, the other waits for nothing."""
    if run.status == "running" and st.button(
        "Stop and keep",
        icon=":material/stop:",
        disabled=run.job.stopping,
        key="stop-run",
        help="After the step that it is at: its adapter is measured and saved.",
    ):
        runs.stop(run.id, person.name())
        st.rerun()
    if st.button("Cancel", icon=":material/close:", type="tertiary", key="cancel-run", help=_CANCEL):
        runs.cancel(run.id, person.name())
        st.rerun()


_CANCEL = "At once, also when it is stuck. No adapter is saved; it can be resumed from its last checkpoint."


def show_actions(run: RunView) -> None:
    """Buttons for a run that has ended."""
    with st.container(horizontal=True, vertical_alignment="center"):
        step = runs.resumable(run)
        if step is not None:
            label = f"Resume from step {step}" if step else "Start it again"
            if st.button(label, type="primary", icon=":material/resume:", help=_RESUME):
                _to(lambda: runs.resume(run.id, person.name()))
        elif run.has_adapter and st.button(
            "Compare with its base",
            type="primary",
            icon=":material/compare_arrows:",
            help="Both answer questions that it was not trained on: is it better, by how much, and how sure is that?",
        ):
            go("compare", run=run.id)
        suggest = remedy(run)
        if suggest and st.button(
            f"Retry with {suggestions.words(suggest)}",
            type="primary",
            icon=":material/replay:",
            help="A run of its own, with all other settings as they are.",
        ):
            _to(lambda: runs.retry(run.id, person.name(), suggest))
        if run.dataset:
            link(
                "train",
                "Copy its settings",
                icon=":material/content_copy:",
                copy=run.id,
                dataset=run.data_ref,
                template=run.template,
                model=run.model,
            )
        if runs.extendable(run) is not None:
            _longer(run)


_RESUME = (
    "From its last checkpoint, with the same rows in the same order: as if it had never ended. "
    "It waits at the end of the queue."
)


def _longer(run: RunView) -> None:
    with st.popover("Train longer", icon=":material/more_time:", type="tertiary"):
        steps = st.number_input(
            "More steps",
            1,
            1_000_000,
            LONGER,
            key="more-steps",
            help="The learning rate goes on as if the run had been planned so. It waits at the end of the queue.",
        )
        if st.button("Go on", type="primary", key="extend"):
            _to(lambda: runs.extend(run.id, person.name(), int(steps)))


def _to(act: Callable[[], RunView]) -> None:
    try:
        run = act()
    except StudioError as error:
        show(error.message, error.hint)
    else:
        go("runs", run=run.id)


def show_labels(run: RunView) -> None:
    """Tags and a note, as people write them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tags = st.multiselect(
            "Tags",
            list(run.tags),
            list(run.tags),
            key=f"tags-{run.id}",
            accept_new_options=True,
            placeholder="baseline",
            width=320,
        )
        text = st.text_input("Note", run.note, key=f"note-{run.id}", placeholder="what it is for, what came of it")
    if list(tags) != list(run.tags) or text.strip() != run.note:
        try:
            labels.label(run.id, person.name(), list(tags), text)
        except StudioError as error:
            show(error.message, error.hint)
