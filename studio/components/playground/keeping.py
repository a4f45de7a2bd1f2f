"""An answer that is worth keeping: as a row of a dataset, or its question as a test prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from lib.data import datasets
from lib.errors import StudioError
from lib.evaluation import keeping, prompt_sets
from lib.inference.talk import WRITTEN, Answer, Talk
from studio import person
from studio.components.errors import show
from studio.components.links import link
from studio.components.playground import asked
from studio.components.playground.panes import Pane
from studio.components.text import escape, shorten

_KEPT, _SHOWN, _FAULT = "playground-kept", "playground-kept-shown", "playground-keep-fault"
TEST_SET = "playground"


@dataclass(frozen=True)
class Kept:
    """Where something went: in words, and the page with its parameters."""

    text: str
    page: str
    parameters: dict[str, str]


def show_kept() -> None:
    """What was kept last, with the way there; just now, as a toast as well."""
    if new := st.session_state.pop(_KEPT, None):
        st.session_state[_SHOWN] = new
        address = f"{new.page}?{urlencode(new.parameters)}"
        st.toast(f"{escape(new.text)} [Open]({address})", icon=":material/check:", duration="long")
    last: Kept | None = st.session_state.get(_SHOWN)
    if last is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(escape(last.text), width="content")
            link(last.page, "Open", icon=":material/arrow_forward:", **last.parameters)


@st.dialog("Keep as row", icon=":material/playlist_add:")
def keep_as_row(talk: Talk, panes: Sequence[Pane]) -> None:
    """Choose an answer, correct it, and the dataset that it goes into."""
    _close_when_done()
    at, pane, answer = _choose(talk, panes)
    text = st.text_area(
        "Answer",
        value=answer.text,
        height=140,
        key=f"keep-answer-{at}-{pane.key}",
        help="What the row is to teach: correct it where it is wrong.",
    )
    names = [info.name for info in datasets.list_datasets()]
    dataset = st.selectbox(
        "Dataset",
        names,
        accept_new_options=True,
        key="keep-dataset",
        index=0 if names else None,
        placeholder="A new name",
        help="It gets a new version with this row; a new name makes a new dataset.",
    )
    split = st.segmented_control(
        "Split",
        ["train", "validation", "test"],
        default="train",
        required=True,
        key="keep-split",
        help="Rows of train are learned from, the others are held out.",
    )
    _shared_fault()
    st.button(
        "Add row",
        type="primary",
        key="keep-row-now",
        disabled=not (dataset and text.strip()),
        on_click=_add_row,
        args=(talk, at, pane, text, dataset, split),
    )


@st.dialog("Keep as test prompt", icon=":material/bookmark_add:")
def keep_as_prompt(talk: Talk, panes: Sequence[Pane]) -> None:
    """Choose an answer, say whether it is good, and the prompt set that its question goes into."""
    _close_when_done()
    at, pane, answer = _choose(talk, panes)
    judged = st.segmented_control(
        "This answer is", ["good", "bad"], default="good", required=True, key=f"keep-judged-{at}-{pane.key}"
    )
    reference = st.text_area(
        "Right answer",
        value=answer.text if judged == "good" else "",
        height=140,
        key=f"keep-reference-{at}-{pane.key}-{judged}",
        help="What later answers are compared with. Empty where nobody knows: then no metric needs it.",
    )
    names = [one.name for one in prompt_sets.list_sets()]
    chosen = st.selectbox(
        "Prompt set",
        list(dict.fromkeys([*names, TEST_SET])),
        accept_new_options=True,
        key="keep-set",
        help="A new name makes a new set.",
    )
    _shared_fault()
    st.button(
        "Keep prompt",
        type="primary",
        key="keep-prompt-now",
        disabled=not chosen,
        on_click=_add_prompt,
        args=(talk, at, pane, answer, judged, reference, chosen),
    )


def _choose(talk: Talk, panes: Sequence[Pane]) -> tuple[int, Pane, Answer]:
    """Which question, and whose answer to it: the last tuned one unless the person chooses."""
    known = {pane.key: pane for pane in panes}
    there = [
        [key for key, answer in turn.answers.items() if key in known and answer.ended in WRITTEN] for turn in talk.turns
    ]
    turns = [number for number, keys in enumerate(there) if keys]
    if not turns:
        st.caption("The panes that answered are gone; add one of them again.")
        st.stop()
    at = turns[-1]
    if len(turns) > 1:
        at = st.selectbox(
            "Question",
            turns,
            index=len(turns) - 1,
            key="keep-turn",
            format_func=lambda number: shorten(talk.turns[number].content, 70),
        )
    keys = [pane.key for pane in panes if pane.key in there[at]]
    key = st.radio(
        "Whose answer",
        keys,
        index=len(keys) - 1,
        horizontal=True,
        key=f"keep-pane-{at}",
        format_func=lambda key: f"{escape(known[key].name)} ({known[key].kind})",
    )
    return at, known[key], talk.turns[at].answers[key]


def _close_when_done() -> None:
    if _KEPT in st.session_state:
        st.rerun()


def _shared_fault() -> None:
    if fault := st.session_state.pop(_FAULT, None):
        show(fault.message, fault.hint)


def _try(keep: Callable[[], Kept]) -> None:
    try:
        st.session_state[_KEPT] = keep()
    except StudioError as error:
        st.session_state[_FAULT] = error


def _add_row(talk: Talk, at: int, pane: Pane, text: str, dataset: str, split: str) -> None:
    def keep() -> Kept:
        info, row_id = keeping.as_row(
            dataset, talk.conversation(pane.key, at), text, split, f"an answer of {pane.name}", person.name()
        )
        return Kept(f"Row {row_id} was added to {info.ref}.", "curate", {"dataset": info.ref, "row": str(row_id)})

    _try(keep)


def _add_prompt(talk: Talk, at: int, pane: Pane, answer: Answer, judged: str, reference: str, prompt_set: str) -> None:
    def keep() -> Kept:
        side = pane.side
        origin: dict[str, Any] = {"run": side.run} if side and side.run else {"model": side.model if side else ""}
        origin |= {"answer": answer.text, "judged": judged, "asked": pane.asked, "sampling": asked.sampling()}
        messages = talk.conversation(pane.key, at).to_dict()["messages"]
        prompt_sets.keep(prompt_set, messages, reference, origin, person.name())
        return Kept(f"The prompt was kept in {prompt_set}.", "compare", {"view": "prompt sets", "set": prompt_set})

    _try(keep)
