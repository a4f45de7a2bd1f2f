"""Prompt sets: questions kept under a name, to be asked again and again."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lib.errors import StudioError
from lib.evaluation import prompt_sets
from lib.evaluation.prompt_sets import Added, PromptSet
from lib.storage import suggest_name
from lib.words import counted
from studio import person
from studio.components.comparing import place
from studio.components.comparing.form_data import saved_upload
from studio.components.comparing.set_view import show_set
from studio.components.errors import show
from studio.components.links import link
from studio.components.text import ago, escape

NEW = "a new set"


def show_sets() -> None:
    """One set, where the address names it; else all of them under a form to add prompts."""
    asked = place.get("set")
    sets = prompt_sets.list_sets()
    if asked:
        found = next((one for one in sets if one.name == asked), None)
        if found is not None:
            show_set(found)
            return
        st.warning(f"There is no prompt set {escape(asked)}.", icon=":material/link_off:")
    with st.expander("Add prompts", icon=":material/add:", expanded=not sets, key="sets-add"):
        _add([one.name for one in sets])
    if not sets:
        st.caption(
            "A prompt set holds questions that a comparison asks, with the right answer where it is known. "
            "Good and bad answers of the Playground can be kept as prompts too."
        )
    for one in sets:
        _line(one)


def _line(one: PromptSet) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        link("compare", f"**{one.name}**", icon=":material/list:", view="prompt sets", set=one.name)
        st.markdown(
            f":small[{counted(one.prompts, 'prompt')}, {one.with_reference:,} with a reference]", width="content"
        )
        st.markdown(f":small[:gray[{escape(one.created_by)}, {ago(one.created_at)}]]", width="content")


def _add(names: list[str]) -> None:
    way = st.segmented_control("How", ["a file", "one by hand"], default="a file", required=True, key="sets-way")
    if way == "a file":
        path = saved_upload("sets-upload")
        stem = suggest_name(Path(path).name.split(".")[0]) if path else ""
    else:
        path, stem = "", "by-hand"
    chosen = st.selectbox("Into", [NEW, *names], key="sets-into") if names else NEW
    name = st.text_input("Name of the set", stem, key=f"sets-name-{stem}") if chosen == NEW else chosen
    if way == "a file":
        st.button("Add the file", type="primary", disabled=not path or not name, on_click=_file, args=(path, name))
        return
    question = st.text_area("Question", key="sets-question")
    reference = st.text_area("Right answer", key="sets-reference", placeholder="empty where it is not known")
    st.button("Add the prompt", type="primary", on_click=_one, args=(name, question, reference))


def _file(path: str, name: str) -> None:
    try:
        added = prompt_sets.add_file(Path(path), name.strip(), person.name())
    except StudioError as error:
        show(error.message, error.hint)
        return
    st.toast(escape(told(added)), icon=":material/check:")
    place.put(set=added.prompt_set)


def told(added: Added) -> str:
    """What came of a file, in words."""
    refused = sum(added.refused.values())
    left = f"; {counted(refused, 'row')} refused, the first is {added.first}" if refused else ""
    return f"{counted(added.added, 'prompt')} added, {added.with_reference:,} with a reference{left}"


def _one(name: str, question: str, reference: str) -> None:
    try:
        prompt_sets.add(name.strip(), [{"role": "user", "content": question}], reference.strip(), user=person.name())
    except StudioError as error:
        show(error.message, error.hint)
        return
    st.session_state["sets-question"] = st.session_state["sets-reference"] = ""
    st.toast("The prompt is added.", icon=":material/check:")
