"""The questions one by one: in any order of differences, filtered, a few a page."""

from __future__ import annotations

import streamlit as st

from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.examples import Filters, Order
from lib.words import counted
from studio import comparison_cache
from studio.components.comparing import place
from studio.components.comparing.choices import metric_choice
from studio.components.comparing.example import show_example

PAGE_ROWS = 10
ORDERS = {"worst": "worst first", "best": "best first", "largest": "largest difference first", "row": "in order"}
OUTCOMES = {"any": "any", "won": "won", "tied": "tied", "lost": "lost"}
LEAKED = {"any": "leaked or not", "no": "not leaked", "yes": "leaked"}
NO_GROUPS = "none"
ALL_GROUPS = "(all groups)"


def show_examples(view: ComparisonView, tuned: str) -> None:
    """Choosers, and a page of examples."""
    metric, order = _order(view, tuned)
    filters = _filters(view, metric, tuned)
    number = place.number("page") or 1
    found = comparison_cache.examples(view, order, filters, PAGE_ROWS, (max(number, 1) - 1) * PAGE_ROWS)
    if not found.rows and found.total:  # a page that is no longer there
        found = comparison_cache.examples(view, order, filters, PAGE_ROWS, 0)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{found.total:,} of {counted(view.result.get('rows', found.total), 'row')}", width="content")
        place.pages(-(-found.total // PAGE_ROWS))
    st.caption("Marked: words of an answer that the other side does not have. That is neither praise nor blame.")
    if not found.rows:
        st.caption("No row is so. Change the filters.")
    for row in found.rows:
        show_example(view, row, tuned, metric)


def _order(view: ComparisonView, tuned: str) -> tuple[str, Order]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = place.select(
            "order",
            "Order",
            list(ORDERS),
            "worst",
            words=ORDERS.__getitem__,
            width=210,
            help="Worst first: where tuned loses most against the base.",
        )
        metric = metric_choice(view)
        place.search("find", "Search", "in prompts and answers", width=240)
    if order == "row" or not metric:
        return metric, Order()
    return metric, Order(order, metric, tuned, view.sides[0])  # type: ignore[arg-type]


def _filters(view: ComparisonView, metric: str, tuned: str) -> Filters:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        outcome = place.select(
            "outcome",
            "Outcome",
            list(OUTCOMES),
            "any",
            words=OUTCOMES.__getitem__,
            width=130,
            help="Whether tuned is better, the same or worse by the metric.",
        )
        leaked = "any"
        if view.result.get("leaked"):
            leaked = place.select(
                "leaked",
                "Trained on",
                list(LEAKED),
                "any",
                words=LEAKED.__getitem__,
                width=170,
                help="Leaked: a run was trained on this question.",
            )
        by, group = _group(view)
    return Filters(
        search=place.get("find"),
        leaked={"any": None, "no": False, "yes": True}[leaked],
        outcome="" if outcome == "any" or not metric else outcome,  # type: ignore[arg-type]
        metric=metric,
        tuned=tuned,
        base=view.sides[0],
        by=by,
        label=group,
    )


def _group(view: ComparisonView) -> tuple[str, str]:
    """The way of grouping and the group to look at; nothing of both for all rows."""
    ways = comparison_cache.ways(view)
    if not ways:
        return "", ""
    by = place.select(
        "by", "Group by", [NO_GROUPS, *ways], NO_GROUPS, width=240, words=lambda key: ways.get(key, "no groups")
    )
    if by == NO_GROUPS:
        return "", ""
    groups = comparison_cache.groups(view, by)
    group = place.select("group", "Group", [ALL_GROUPS, *groups], ALL_GROUPS, width=260)
    return ("", "") if group == ALL_GROUPS else (by, group)
