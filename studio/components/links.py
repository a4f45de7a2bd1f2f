"""Links between pages, with the object in the address."""

from __future__ import annotations

from urllib.parse import parse_qsl

import streamlit as st

from studio import state
from studio.page_table import TABLE, page


def link(name: str, label: str, icon: str | None = "", help: str | None = None, **parameters: str) -> None:
    """A link to a page; parameters become the address's query. `icon=""` takes the page's own, None none.

    On the page itself it is a button: Streamlit's links within a page leave the browser's address as it was, and the
    next click would lead back.
    """
    if state.is_on(name):
        st.button(
            label,
            key=f"link-{state.next_number()}",
            type="tertiary",
            icon=TABLE[name].icon if icon == "" else icon,
            help=help,
            on_click=_stay,
            args=(parameters,),
        )
        return
    st.page_link(
        page(name),
        label=label,
        icon=TABLE[name].icon if icon == "" else icon,
        help=help,
        query_params=parameters or None,
    )


def _stay(parameters: dict[str, str]) -> None:
    """Callback: other objects on the same page."""
    st.query_params.from_dict(parameters)


def link_stored(stored: str, label: str) -> None:
    """A link as the activity list stores it: `runs?run=gentle-otter`."""
    name, _, query = stored.partition("?")
    if name in TABLE:
        link(name, label, icon=None, **dict(parse_qsl(query)))


def go(name: str, **parameters: str) -> None:
    """Leave for another page now."""
    st.switch_page(page(name), query_params=parameters or None)
