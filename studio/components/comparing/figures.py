"""The figures of a comparison: who is better on what, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lib.evaluation.comparisons import ComparisonView
from lib.words import counted
from studio.components.comparing.forest import marks_of, show_forest
from studio.components.comparing.words import DIRECTIONS, figure, outcomes, p_value, verdict, with_interval
from studio.components.text import escape

Found = Mapping[str, Any]


def show_verdict(view: ComparisonView, tuned: Sequence[str]) -> None:
    """The sentence over all metrics for each side, how sure it is, and what speaks against trusting it."""
    verdicts = view.result.get("verdicts", {})
    for side in tuned:
        if side in verdicts:
            name = f"{escape(side)}: " if len(view.sides) > 2 else ""
            st.markdown(f"**Verdict:** {name}{escape(verdicts[side]['sentence'])}")
    st.caption(f"How sure? {_sure(view, tuned)}")
    warnings = view.result.get("warnings", [])
    if warnings:
        st.markdown("  \n".join(f":orange[:material/warning:] :small[{escape(one['text'])}]" for one in warnings))
    for name, empty in view.result.get("empty", {}).items():
        if empty:
            rows = counted(view.result["rows"], "row")
            why = (
                ""
                if name in tuned
                else (
                    "; a base does so when the template is not one it was made with. "
                    "Metrics of text then show mostly who answers at all: see the perplexity"
                )
            )
            st.caption(f":material/info: {escape(name)} ended without a word on {empty:,} of {rows}{why}.")
    if view.result.get("left_out"):
        listed = "; ".join(f"{count} {reason}" for reason, count in view.result["left_out"].items())
        st.caption(f"Rows not asked: {escape(listed)}")


def _sure(view: ComparisonView, tuned: Sequence[str]) -> str:
    """Rows that count, those that do not, and what is held to be evidence."""
    pairs = [pair for pair in view.result.get("pairs", []) if pair["tuned"] in tuned]
    most = max((pair.get("n", 0) for pair in pairs), default=view.result.get("rows", 0))
    parts = [f"{counted(most, 'row')} counted"]
    if leaked := view.result.get("leaked"):
        parts.append(f"{leaked:,} leaked {'(excluded)' if leaked < view.result['rows'] else '(all of them)'}")
    if unmatched := view.result.get("unmatched"):
        parts.append(f"{unmatched:,} unmatched")
    limits = [(view.metrics[pair["metric"]], pair.get("detectable")) for pair in pairs]
    if len(tuned) == 1 and any(limit for _, limit in limits):
        shown = ", ".join(f"{spec.label} {figure(spec, limit)}" for spec, limit in limits if limit)
        parts.append(f"smallest differences that would most likely show: {escape(shown)}")
    parts.append("95 % intervals, p corrected for all that was tested (Holm)")
    return " · ".join(parts)


def show_figures(view: ComparisonView, tuned: Sequence[str]) -> None:
    """A line a metric (and side), a chart, and each metric's sentence."""
    pairs = [pair for pair in view.result.get("pairs", []) if pair["tuned"] in tuned]
    if not pairs:
        st.caption("It has no figures.")
        return
    st.dataframe(
        figure_rows(view, view.result, pairs),
        hide_index=True,
        key="compare-figures",
        alt="Metrics of base and tuned with differences",
    )
    several = len(tuned) > 1
    marks = [
        mark for pair in pairs for mark in marks_of(_label(view, pair, several), view.metrics[pair["metric"]], pair)
    ]
    show_forest(marks, "compare-forest")
    opened = st.expander("Each metric in words", icon=":material/notes:", key="compare-words", on_change="rerun")
    if opened.open:
        with opened:
            _sentences(view, pairs, several)


def _label(view: ComparisonView, pair: Found, several: bool) -> str:
    label = view.metrics[pair["metric"]].label
    return f"{label} · {pair['tuned']}" if several else label


def figure_rows(view: ComparisonView, result: Found, pairs: Sequence[Found]) -> list[dict[str, str]]:
    """Lines of the table, of these pairs of a result."""
    several = len({pair["tuned"] for pair in pairs}) > 1
    rows = []
    for pair in pairs:
        name, spec = pair["metric"], view.metrics[pair["metric"]]
        models = result["models"]
        after = with_interval(spec, models[pair["tuned"]][name])
        sides = {"side": pair["tuned"], "its figure": after} if several else {pair["tuned"]: after}
        rows.append(
            {
                "metric": f"{spec.label} ({DIRECTIONS[spec.higher_is_better]})",
                pair["base"]: with_interval(spec, models[pair["base"]][name]),
                **sides,
                "difference [95 %]": with_interval(spec, pair, "difference", signed=True),
                "p, corrected": p_value(pair),
                "better / same / worse": outcomes(pair),
                "verdict": verdict(pair),
            }
        )
    return rows


def _sentences(view: ComparisonView, pairs: Sequence[Found], several: bool) -> None:
    for pair in pairs:
        spec = view.metrics[pair["metric"]]
        side = f"{escape(pair['tuned'])} · " if several else ""
        words = escape(pair.get("sentence") or f"{spec.label}: {verdict(pair)}")
        limit = pair.get("detectable")
        shows = f" Smallest difference that these rows would most likely show: {figure(spec, limit)}." if limit else ""
        apart = f" {counted(pair['unmatched'], 'row')} counted in one side only." if pair.get("unmatched") else ""
        test = f" p from: {escape(pair['test'])}." if pair.get("test") else ""
        st.markdown(f"{side}{words} :small[:gray[{escape(shows)}{escape(apart)}{test} {escape(spec.help)}]]")
