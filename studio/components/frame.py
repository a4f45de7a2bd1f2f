"""What every page starts with: title, one line on what it is for, and where on the chain the person is."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from studio import state
from studio.components.links import link
from studio.components.text import escape, template_words
from studio.page_table import TABLE


@dataclass(frozen=True)
class Place:
    """The objects in hand, each optional; `next_page` is offered at the end with the same parameters."""

    dataset: str = ""
    template: str = ""
    run: str = ""
    comparison: str = ""
    next_page: str = ""
    next_label: str = ""


def header(name: str, about: str) -> None:
    """Title with icon and the page's purpose."""
    st.title(TABLE[name].title, icon=TABLE[name].icon, anchor=False)
    st.caption(about)


def chain_bar(place: Place) -> None:
    """dataset > text > run > comparison, each a link, and the next step."""
    steps: list[tuple[str, str, dict[str, str]]] = []
    if place.dataset:
        steps.append(("datasets", place.dataset, {"dataset": place.dataset}))
    if place.template:
        steps.append(("format", template_words(place.template), {"dataset": place.dataset, "template": place.template}))
    if place.run:
        steps.append(("runs", place.run, {"run": place.run}))
    if place.comparison:
        steps.append(("compare", f"comparison {place.comparison}", {"run": place.run, "comparison": place.comparison}))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chain"):
        for index, (target, label, parameters) in enumerate(steps):
            if index:
                st.markdown(":small[:gray[›]]", width="content")
            if state.is_on(target):
                st.markdown(f"**{TABLE[target].icon} {escape(label)}**", width="content")
            else:
                link(target, label, **parameters)
        if place.next_page:
            st.markdown(":small[:gray[›]]", width="content")
            parameters = {
                key: getattr(place, key) for key in ("dataset", "template", "run", "comparison") if getattr(place, key)
            }
            link(place.next_page, f"**{place.next_label}**", icon=":material/arrow_forward:", **parameters)


def empty_state(text: str, page: str, label: str, **parameters: str) -> None:
    """What to do first, where there is nothing to show yet."""
    with st.container(border=True, horizontal_alignment="center"):
        st.space("small")
        st.markdown(text, width="content", text_alignment="center")
        link(page, label, **parameters)
        st.space("small")
