"""One prompt set: its prompts, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from lib.errors import StudioError
from lib.evaluation import prompt_sets
from lib.evaluation.prompt_sets import PromptSet, PromptView
from lib.records import Conversation
from lib.words import counted
from studio import person
from studio.components.comparing import place
from studio.components.conversation import show_conversation
from studio.components.errors import show
from studio.components.links import link
from studio.components.text import ago, directed, escape

PAGE = 10


def show_set(one: PromptSet) -> None:
    """Draw it."""
    link("compare", "All prompt sets", icon=":material/arrow_back:", view="prompt sets")
    st.header(one.name, anchor=False)
    st.caption(
        f"{counted(one.prompts, 'prompt')}, {one.with_reference:,} with a reference · "
        f"{escape(one.created_by)}, {ago(one.created_at)}"
    )
    _actions(one)
    number = place.pages(-(-one.prompts // PAGE))
    for prompt in prompt_sets.prompts(one.name, PAGE, (number - 1) * PAGE):
        _prompt(prompt)


def _actions(one: PromptSet) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        link("compare", "Compare on it", icon=":material/compare_arrows:", asked=one.name)
        with st.popover("Rename", icon=":material/edit:", type="tertiary"):
            new = st.text_input("New name", one.name, key=f"set-name-{one.name}")
            st.button("Rename it", on_click=_rename, args=(one.name, new))
        with st.popover("Make a dataset", icon=":material/database:", type="tertiary"):
            st.caption(f"The {counted(one.with_reference, 'prompt')} with a reference become its rows.")
            name = st.text_input("Name of the dataset", one.name, key=f"set-dataset-{one.name}")
            if st.button("Make it", type="primary", disabled=not one.with_reference):
                _dataset(one.name, name)
        with st.popover("Delete", icon=":material/delete:", type="tertiary"):
            st.markdown(f"**{one.name}** goes with its prompts. Comparisons that asked them keep them.")
            st.button("Delete for good", type="primary", on_click=_delete, args=(one.name,))


def _prompt(prompt: PromptView) -> None:
    with st.container(border=True, key=f"prompt-{prompt.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            origin = ", ".join(f"{key}: {str(value)[:60]}" for key, value in prompt.origin.items())
            st.markdown(f":small[:gray[{escape(origin or prompt.created_by)}, {ago(prompt.created_at)}]]")
            st.button(
                "Remove",
                key=f"prompt-remove-{prompt.id}",
                icon=":material/close:",
                type="tertiary",
                on_click=_remove,
                args=(prompt.id,),
            )
        show_conversation(Conversation.from_dict({"messages": prompt.messages}))
        if prompt.reference:
            st.markdown(":small[**right answer**]")
            st.text(directed(prompt.reference))


def _remove(number: int) -> None:
    try:
        prompt_sets.remove(number, person.name())
    except StudioError as error:
        show(error.message, error.hint)


def _rename(name: str, new: str) -> None:
    try:
        place.put(set=prompt_sets.rename(name, new.strip(), person.name()).name)
    except StudioError as error:
        show(error.message, error.hint)


def _delete(name: str) -> None:
    try:
        prompt_sets.delete(name, person.name())
    except StudioError as error:
        show(error.message, error.hint)
        return
    place.put(set="")
    st.toast(f"{name} is deleted.", icon=":material/check:")


def _dataset(name: str, dataset: str) -> None:
    try:
        prompt_sets.to_dataset(name, dataset.strip(), person.name())
    except StudioError as error:
        show(error.message, error.hint)
    else:
        st.markdown(":material/check: It is there.")
        link("datasets", f"Open {dataset.strip()}", dataset=dataset.strip())
