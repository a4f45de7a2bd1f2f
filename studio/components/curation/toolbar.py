"""Above the table: search, order, the filters in force, and who is here."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib.data.checks import CHECKS
from lib.data.datasets import DatasetInfo
from lib.data.edits import STATUSES
from lib.data.facets import useful_fields
from lib.data.fields import Field
from lib.data.filters import OPERATORS, UNARY, Condition, Query
from lib.data.splits.hashed import SPLITS
from lib.data.table import Table
from lib.errors import BadInput
from lib.words import counted
from studio import cache, table_state
from studio.components.curation import actions
from studio.components.curation.keys import show_keys
from studio.components.text import escape
from studio.table_state import TableState

NO_ORDER = "row number"


def show_toolbar(info: DatasetInfo, table: Table, place: TableState) -> None:
    """Draw it; whatever is chosen goes into the address."""
    fields = {field.name: field for field in useful_fields(table.copy, place.query.tokenizer)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _search(info, place)
        _order(info, place, fields)
        _adder(info, place, fields)
        if st.button("Keys", icon=":material/keyboard:", type="tertiary", help="What each key does; ? shows it too"):
            show_keys()
    _chips(info, table, place)
    _deleted(info, table, place)


def _search(info: DatasetInfo, place: TableState) -> None:
    key = f"search-{info.ref}"
    st.session_state[key] = place.query.search

    def searched() -> None:
        table_state.ask(info.ref, replace(place.query, search=st.session_state[key].strip()))

    st.text_input(
        "Search rows",
        type="search",
        key=key,
        on_change=searched,
        placeholder="any text in a row",
        live="500ms",
        width=320,
    )


def _order(info: DatasetInfo, place: TableState, fields: dict[str, Field]) -> None:
    names = ["", *(name for name, field in fields.items() if field.kind not in ("list", "flag"))]
    if place.query.sort and place.query.sort not in names:
        names.append(place.query.sort)
    key, down = f"sort-{info.ref}", f"sort-down-{info.ref}"
    st.session_state[key], st.session_state[down] = place.query.sort, place.query.descending

    def ordered() -> None:
        new = replace(place.query, sort=st.session_state[key], descending=st.session_state.get(down, False))
        table_state.ask(info.ref, new)

    st.selectbox(
        "Sort by",
        names,
        key=key,
        on_change=ordered,
        width=180,
        format_func=lambda name: fields[name].label if name in fields else name or NO_ORDER,
    )
    if place.query.sort:
        st.toggle("Largest first", key=down, on_change=ordered)


def _adder(info: DatasetInfo, place: TableState, fields: dict[str, Field]) -> None:
    """Any condition by hand, for what no bar stands for."""
    with st.popover("Filter", icon=":material/filter_alt:", help="Add a condition by hand"):
        name = st.selectbox("Field", list(fields), format_func=lambda name: fields[name].label, key="filter-field")
        operators = [operator for operator in OPERATORS if Table.fits(fields[name], operator)]
        operator = st.selectbox("Test", operators, format_func=OPERATORS.__getitem__, key=f"filter-test-{name}")
        value = "" if operator in UNARY else _value(fields[name], operator)

        def added() -> None:
            try:
                condition = Condition.parse(str(Condition(name, operator, value)))
            except BadInput as error:
                actions.failed(error)
                return
            table_state.ask(info.ref, place.query.adding(condition))

        st.button("Add filter", type="primary", on_click=added, disabled=operator not in UNARY and not value)


def _value(field: Field, operator: str) -> str:
    known = {"status": STATUSES, "split": SPLITS, "flag": tuple(CHECKS)}.get(field.name)
    options = ("yes", "no") if field.kind == "yes or no" else known if operator in ("is", "not") else None
    key = f"filter-value-{field.name}-{operator}"
    if options:
        return st.selectbox(
            "Value", options, key=key, format_func=lambda one: CHECKS[one].label if field.name == "flag" else one
        )
    hint = {"in": "low..high, low.. or ..high", "any": "3,5,9"}.get(operator, "")
    return st.text_input("Value", key=key, placeholder=hint) or ""


def _words(condition: Condition, table: Table) -> str:
    field = table.fields.get(condition.field)
    if condition.field == "flag" and condition.value in CHECKS:
        condition = replace(condition, value=CHECKS[condition.value].label)
    return condition.words(field.label if field else "")


def _chips(info: DatasetInfo, table: Table, place: TableState) -> None:
    """Each condition in force, with a way to take it away."""
    if not place.query.conditions:
        return
    with st.container(horizontal=True, gap="small"):
        for condition in place.query.conditions:
            kept = tuple(one for one in place.query.conditions if one != condition)
            st.button(
                escape(_words(condition, table)),
                icon=":material/close:",
                key=f"chip-{condition}",
                help="Take this filter away",
                on_click=table_state.ask,
                args=(info.ref, replace(place.query, conditions=kept)),
            )
        if len(place.query.conditions) > 1:
            st.button(
                "Clear all",
                type="tertiary",
                on_click=table_state.ask,
                args=(info.ref, replace(place.query, conditions=(), search="")),
            )


def _deleted(info: DatasetInfo, table: Table, place: TableState) -> None:
    """The way to the rows that were deleted and are not saved away yet."""
    asked = Condition("deleted", "is", "yes")
    if table.copy.touched and not any(one.field == "deleted" for one in place.query.conditions):
        rows = cache.count(Table(table.copy, Query((asked,))))
        if rows:
            st.button(
                f"{counted(rows, 'deleted row')}",
                icon=":material/delete:",
                type="tertiary",
                key="to-deleted",
                on_click=table_state.ask,
                args=(info.ref, Query((asked,))),
            )
