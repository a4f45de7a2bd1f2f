"""The figures of a comparison: who is better on what, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from lib.evaluation.advice import MANY_CUT, advice, meaning
from lib.evaluation.comparing.checks import SILENCE
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.statistics.words import SMALLEST_P
from lib.words import counted
from studio.components.comparing.actions import longer_button
from studio.components.comparing.forest import marks_of, show_forest
from studio.components.comparing.one_answer import show_one
from studio.components.comparing.words import (
    ARROWS,
    figure,
    introduced,
    named,
    outcomes,
    p_value,
    shown_p,
    verdict,
    with_interval,
)
from studio.components.links import link
from studio.components.text import escape

Found = Mapping[str, Any]


def show_verdict(view: ComparisonView, tuned: Sequence[str]) -> None:
    """The sentence over all metrics for each side, one answer, how sure it is, and what speaks against trusting it."""
    judged = [side for side in tuned if side in view.result.get("verdicts", {})]
    for side in judged:
        _judgement(view, side)
    warnings = view.result.get("warnings", [])
    silent = [one for one in warnings if one["kind"] == SILENCE]
    for one in silent:
        st.warning(escape(one["text"]), icon=":material/voice_over_off:")
    if tuned:
        show_one(view, tuned[0])
    for side in judged:
        _reasons(view, side)
    st.caption(f"What this rests on: {_sure(view, tuned)}", help=SURE)
    rest = [one for one in warnings if one["kind"] != SILENCE]
    if rest:
        st.markdown("  \n".join(f":orange[:material/warning:] :small[{escape(one['text'])}]" for one in rest))
    if view.data_ref and any(one["kind"] == "leaks" for one in rest):
        link(
            "curate",
            "Deal the splits anew, so that training gives nothing away",
            dataset=view.data_ref,
            view="Splits",
        )
    for side, empty in view.result.get("empty", {}).items():
        if empty and (side in tuned or not silent):
            rows = counted(view.result["rows"], "question")
            st.caption(f":material/info: {escape(side)} said nothing on {empty:,} of {rows}.")
    _cut(view, tuned)
    _train_longer(view, tuned)
    if view.result.get("left_out"):
        listed = "; ".join(f"{count} {reason}" for reason, count in view.result["left_out"].items())
        st.caption(f"Rows not asked: {escape(listed)}")


def _judgement(view: ComparisonView, side: str) -> None:
    """Is it better, and on how many metrics."""
    told, base, several = view.result["verdicts"][side]["sentence"], view.sides[0], len(view.sides) > 2
    if meant := meaning(view, side):
        st.markdown(f"**Is {escape(introduced(view, side))} better than {escape(base)}?** {escape(meant)}")
    st.markdown(f"**Verdict:** {escape(named(told, side, base) if several else told)}")


def _reasons(view: ComparisonView, side: str) -> None:
    """What to do next, and the counts behind the verdict."""
    said = advice(view, side)[bool(meaning(view, side)) :]
    if said:
        whose = f"**{escape(side)}:** " if len(view.sides) > 2 else ""
        st.markdown(f"{whose}{escape(' '.join(said))}")
    if counts := plainly(view, side):
        st.markdown(f":small[{escape(counts)}]")


def _train_longer(view: ComparisonView, tuned: Sequence[str]) -> None:
    """Where a run that was looked at can be given more steps."""
    ids = [side.run for side in view.who if side.run and side.name in tuned]
    if len(ids) == 1:
        link("runs", "Train it longer", icon=":material/more_time:", run=ids[0])


def _cut(view: ComparisonView, tuned: Sequence[str]) -> None:
    """Answers that went on to the limit, of those that are looked at: of the base as well."""
    found = view.result.get("cut", {})
    if any(found.get(side) for side in tuned) or found.get(view.sides[0]):
        again = view.result.get("circling", {})
        sides = (view.sides[0], *tuned)
        listed = ", ".join(f"{escape(side)} {found.get(side, 0):,}" for side in sides)
        circles = ", ".join(f"{escape(side)} {again[side]:,}" for side in sides if again.get(side))
        st.caption(
            f":material/info: Answers cut at the length limit, of {view.result['rows']:,} each: {listed}. "
            + (f"Going round in circles: {circles}." if circles else "Read some, they may be going round in circles.")
        )
    if max(found.values(), default=0) >= MANY_CUT * view.result["rows"] and not view.job.live:
        longer_button(view)


SURE = (
    "Intervals of 95 %: of a hundred such comparisons, about 95 have the true difference inside. p says how often so "
    "large a difference comes up by chance between models that are equally good; it is corrected for all that was "
    "tested (Holm), and below 0.05 counts as evidence."
)


def plainly(view: ComparisonView, side: str) -> str:
    """The metrics with evidence, question by question and without statistics; empty where there is none."""
    found = [
        pair
        for pair in view.result.get("pairs", [])
        if pair["tuned"] == side and pair["verdict"] in ("tuned better", "tuned worse")
    ]
    if not found:
        return ""
    counts = []
    for pair in found:
        same = f", the same on {pair['ties']:,}" if pair["ties"] else ""
        label = view.metrics[pair["metric"]].label
        counts.append(f"by {label} better on {pair['wins']:,} of {pair['n']:,}, worse on {pair['losses']:,}{same}")
    return f"Question by question: {'; '.join(counts)}.{_by_chance(view, found[0])}"


def _by_chance(view: ComparisonView, found: Found) -> str:
    """The p of the table in plain words."""
    p = shown_p(found)
    if p is None:
        return ""
    often = "less than one" if p < SMALLEST_P else f"about {round(1000 * p):,}"
    return (
        f" Were both equally good, so large a difference in {view.metrics[found['metric']].label} would come up in "
        f"{often} of 1,000 comparisons (p {p_value(found)})."
    )


def _sure(view: ComparisonView, tuned: Sequence[str]) -> str:
    """Rows that count, those that do not, and what is held to be evidence."""
    pairs = [pair for pair in view.result.get("pairs", []) if pair["tuned"] in tuned]
    most = max((pair.get("n", 0) for pair in pairs), default=view.result.get("rows", 0))
    rows = view.result.get("rows", most)
    parts = [f"{most:,} of {counted(rows, 'question')} count" if most < rows else f"{counted(most, 'question')} count"]
    if leaked := view.result.get("leaked"):
        parts.append(f"{leaked:,} leaked {'(left out)' if leaked < rows else '(all of them)'}")
    if unmatched := view.result.get("unmatched"):
        parts.append(f"{unmatched:,} unmatched")
    limits = [(view.metrics[pair["metric"]], pair.get("detectable")) for pair in pairs]
    if len(tuned) == 1 and any(limit for _, limit in limits):
        shown = ", ".join(f"{spec.label} {figure(spec, limit)}" for spec, limit in limits if limit)
        parts.append(f"so few would most likely not show differences below: {escape(shown)}")
    parts.append("intervals of 95 %")
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
        height="content",  # rows below a fold of its own would not be seen
        alt="Metrics of base and tuned with differences",
    )
    several = len(tuned) > 1
    st.caption("↑ higher is better, ↓ lower is better. The last column counts questions.")
    marks = [
        mark for pair in pairs for mark in marks_of(_name(view, pair, several), view.metrics[pair["metric"]], pair)
    ]
    show_forest(marks, "compare-forest", who="tuned" if len(view.sides) == 2 else "the side named")
    opened = st.expander("Each metric in words", icon=":material/notes:", key="compare-words", on_change="rerun")
    if opened.open:
        with opened:
            _sentences(view, pairs, several)


def _name(view: ComparisonView, pair: Found, several: bool) -> tuple[str, ...]:
    label = view.metrics[pair["metric"]].label
    return (label, pair["tuned"]) if several else (label,)


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
                "metric": f"{spec.label} {ARROWS[spec.higher_is_better]}".rstrip(),
                "verdict": verdict(pair),
                pair["base"]: with_interval(spec, models[pair["base"]][name]),
                **sides,
                "difference [95 %]": with_interval(spec, pair, "difference", signed=True),
                "p, corrected": p_value(pair),
                "better / same / worse": outcomes(pair),
            }
        )
    return rows


def _sentences(view: ComparisonView, pairs: Sequence[Found], several: bool) -> None:
    for pair in pairs:
        spec = view.metrics[pair["metric"]]
        told = pair.get("sentence") or f"{spec.label}: {verdict(pair)}"
        words = escape(named(told, pair["tuned"], pair["base"]) if several else told)
        limit = pair.get("detectable")
        shows = f" Smallest difference that these rows would most likely show: {figure(spec, limit)}." if limit else ""
        apart = f" {counted(pair['unmatched'], 'row')} counted in one side only." if pair.get("unmatched") else ""
        test = f" p from: {escape(pair['test'])}." if pair.get("test") else ""
        st.markdown(f"{words} :small[:gray[{escape(shows)}{escape(apart)}{test} {escape(spec.help)}]]")
