"""What a person looks at in a table of rows: filters, order, page, open row and picked rows.

It lives in the address, so that a link or a reload shows the same; the session remembers it across pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import streamlit as st

from lib.data.filters import Condition, Query
from lib.errors import BadInput
from studio import state
from studio.components import choose

_NAMES = ("q", "f", "sort", "page", "row", "pick")
MOST_PICKED = 500
_DATASET = "table-of"


@dataclass(frozen=True)
class TableState:
    """`page` counts from 1; `row` is the id of the open row, `picked` those that were ticked."""

    query: Query = field(default_factory=Query)
    page: int = 1
    row: int | None = None
    picked: tuple[int, ...] = ()


def read(dataset: str) -> TableState:
    """The state in the address; on coming from another page without one, what this session last had.

    Raises:
        BadInput: a condition in the address that cannot be read.
    """
    parameters = st.query_params
    remembered = st.session_state.get(_slot(dataset))
    if remembered is not None and state.just_arrived() and not any(name in parameters for name in _NAMES):
        write(dataset, remembered)
        return replace(remembered, query=replace(remembered.query, tokenizer=tokenizer()))
    query = Query.parse(parameters.get_all("f"), parameters.get("q", ""), parameters.get("sort", ""), tokenizer())
    picked = tuple(_numbers(parameters.get("pick", "").split(",")))
    row = next(iter(_numbers([parameters.get("row", "")])), None)
    page = next(iter(_numbers([parameters.get("page", "")])), 1)
    return TableState(query, max(page, 1), row, picked[:MOST_PICKED])


def tokenizer() -> str:
    """The model whose tokens are counted; empty when none is."""
    chosen = state.get("tokenizer")
    return "" if chosen == choose.LITERAL_TOKENS else chosen


def read_or_clear(dataset: str) -> tuple[TableState, str]:
    """The state, and what was wrong with the address where it could not be read and everything is shown instead."""
    try:
        return read(dataset), ""
    except BadInput as error:
        return TableState(Query(tokenizer=tokenizer())), f"{error.message} {error.hint}"


def shown(dataset: str) -> TableState:
    """The state that is on screen, for what buttons and keys do."""
    return read_or_clear(dataset)[0]


def write(dataset: str, new: TableState) -> None:
    """Put a state into the address."""
    st.session_state[_slot(dataset)] = new
    values: dict[str, str | list[str]] = {
        "q": new.query.search,
        "f": [str(condition) for condition in new.query.conditions],
        "sort": new.query.order,
        "page": str(new.page) if new.page > 1 else "",
        "row": str(new.row) if new.row is not None else "",
        "pick": ",".join(map(str, new.picked)),
    }
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in _NAMES}
    wanted = {**others, **{name: value for name, value in values.items() if value}}
    if wanted != others | {name: _present(name) for name in _NAMES if name in st.query_params}:
        st.query_params.from_dict(wanted)  # in one step: each change of the address is one press of Back


def _present(name: str) -> str | list[str]:
    return st.query_params.get_all(name) if name == "f" else st.query_params.get(name, "")


def keep_to(dataset: str) -> None:
    """Let go of the filters and the row of another dataset, when the person has just chosen this one."""
    name = dataset.partition("@")[0]
    before = st.session_state.get(_DATASET, name)
    st.session_state[_DATASET] = name
    if before != name and not state.just_arrived():
        write(dataset, st.session_state.get(_slot(dataset), TableState()))


def ask(dataset: str, query: Query) -> None:
    """Look at other rows: from their first page, with none open or picked."""
    write(dataset, TableState(query))


def open_row(dataset: str, row_id: int, page: int | None = None) -> None:
    """Open a row beside the table, which turns to another page if one is given."""
    place = shown(dataset)
    write(dataset, replace(place, row=row_id, page=page or place.page))


def turn_to(dataset: str, page: int) -> None:
    """Go to a page."""
    write(dataset, replace(shown(dataset), page=page, row=None))


def pick(dataset: str, row_ids: Iterable[int]) -> None:
    """Tick these rows and no others."""
    write(dataset, replace(shown(dataset), picked=tuple(sorted(set(row_ids)))[:MOST_PICKED]))


def target(table: TableState) -> Query:
    """The rows that a change of many is for: the picked ones, or all that match."""
    if not table.picked:
        return table.query
    return Query((Condition("row", "any", ",".join(map(str, table.picked))),), tokenizer=table.query.tokenizer)


def _numbers(texts: Iterable[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal() and len(text) < 16]


def _slot(dataset: str) -> str:
    return f"table-{dataset}"
