"""Groups of rows, each with its own interval: where tuned is better, and where it is not."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.metrics import MetricSpec
from lib.evaluation.statistics import SliceDifference
from studio import comparison_cache
from studio.components.comparing import place
from studio.components.comparing.choices import metric_choice
from studio.components.comparing.forest import marks_of, show_forest
from studio.components.comparing.words import outcomes, p_value, verdict, with_interval
from studio.components.text import escape, shorten

MOST_DRAWN = 16


def show_slices(view: ComparisonView, tuned: str) -> None:
    """A way to group, and each group's figures; a tick leads to its examples."""
    ways = comparison_cache.ways(view)
    if not ways:
        st.caption("These rows cannot be put into groups: there are too few, or they have no columns or tags.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = place.select(
            "by",
            "Group by",
            list(ways),
            next(iter(ways)),
            words=lambda key: ways[key],
            width=280,
            help="Any column of the dataset, tags, lengths, or what is asked.",
        )
        metric = metric_choice(view)
    spec = view.metrics[metric]
    found = comparison_cache.slices(view, by, metric, tuned)
    if not found:
        st.caption("No row that counts is in any of these groups.")
        return
    picked = st.dataframe(
        [_line(spec, one, view.sides[0], tuned) for one in found],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"compare-slices-{by}-{metric}",
        alt="Figures of each group of rows",
    )
    rows = picked.selection.rows if picked else []
    label = str(found[rows[0]].label) if rows else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        name = f"Examples of {escape(shorten(label, 40))}" if label else "Examples of a group"
        st.button(
            name,
            icon=":material/filter_alt:",
            disabled=not label,
            on_click=_open,
            args=(by, label),
            key="compare-open-slice",
            help=None if label else "Tick a group in the table first.",
        )
        st.caption("p is corrected for how many groups there are. Rows that leaked are left out.", width="content")
    marks = [
        mark for one in found[:MOST_DRAWN] for mark in marks_of((f"{one.label} ({one.rows:,})",), spec, one.to_dict())
    ]
    show_forest(marks, "compare-slices-chart")
    if len(found) > MOST_DRAWN:
        st.caption(f"The chart has the {MOST_DRAWN} largest of {len(found)} groups.")


def _line(spec: MetricSpec, one: SliceDifference, base: str, tuned: str) -> dict[str, Any]:
    found = one.to_dict()
    return {
        "group": str(one.label),
        "rows": one.rows,
        base: with_interval(spec, found["base"]),
        tuned: with_interval(spec, found["tuned"]),
        "difference [95 %]": with_interval(spec, found, "difference", signed=True),
        "p, corrected": p_value(found),
        "better / same / worse": outcomes(found),
        "verdict": verdict(found) if one.enough else "● too few rows",
    }


def _open(by: str, label: str) -> None:
    place.put(part="", by=by, group=label, outcome="", find="")
