"""One question of a comparison with all that was answered, and the training rows that are most like it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.errors import StudioError
from lib.evaluation.comparisons import ComparisonView
from studio import comparison_cache
from studio.components.comparing import place
from studio.components.comparing.words import better_by, row_value
from studio.components.errors import show
from studio.components.links import link
from studio.components.text import directed, escape, shorten
from studio.components.text_diff import show_marked

Row = dict[str, Any]
COLUMNS = 3  # answers beside each other
SIGNS = {1: " ▲", -1: " ▼", 0: ""}
ENDED = {"end": "ended by itself", "length": "cut at the length limit", "stopped": "stopped"}


def show_example(view: ComparisonView, row: Row, tuned: str, metric: str) -> None:
    """Draw it; its training rows when they are asked for."""
    row_id = row["row_id"]
    with st.container(border=True, key=f"example-{row_id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":small[:gray[row {row_id}]]", width="content")
            if row.get("leaked"):
                st.badge("leaked", color="orange", icon=":material/water_drop:", help="A run was trained on it.")
            for tag in row.get("tags", []):
                st.badge(escape(tag), color="gray", icon=":material/sell:")
            _actions(view, row_id, tuned)
        st.text(directed(row["prompt"]))
        _answers(view, row, tuned, metric)
        if place.number("row") == row_id:
            _nearest(view, row_id, tuned)


def _actions(view: ComparisonView, row_id: int, tuned: str) -> None:
    opened = place.number("row") == row_id
    if _run_of(view, tuned):
        st.button(
            "Hide the training rows" if opened else "Nearest training rows",
            key=f"near-{row_id}",
            type="tertiary",
            icon=":material/manage_search:",
            on_click=place.put,
            kwargs={"row": "" if opened else str(row_id)},
            help=f"What {escape(tuned)} may have learned this answer from.",
        )
    if view.data_ref and row_id >= 0:
        link("curate", "Open in Curate", dataset=view.data_ref, row=str(row_id), view="Rows")


def _run_of(view: ComparisonView, tuned: str) -> str:
    """The run behind a side; empty for a model that was not tuned here."""
    known = {side.name: side.run for side in view.who}
    found = known.get(tuned, tuned if tuned in view.runs else None)
    return found or ""


def _answers(view: ComparisonView, row: Row, tuned: str, metric: str) -> None:
    base = view.sides[0]
    texts = {side: row.get(f"text|{side}") or "" for side in view.sides}
    cells = [("reference", row.get("reference") or "", "", "")]
    for side in view.sides:
        other = texts[tuned] if side == base else texts[base]
        cells.append((f"{role(view, side)} · {side}", texts[side], other, _facts(view, row, side, base)))
    for start in range(0, len(cells), COLUMNS):
        columns = st.columns(min(COLUMNS, len(cells)))
        for place_in, (title, text, other, facts) in enumerate(cells[start : start + COLUMNS]):
            with columns[place_in]:
                st.markdown(f":small[**{escape(title)}**]")
                key = f"answer-{row['row_id']}-{start + place_in}"
                if text:
                    show_marked(text, other or text, key)
                else:
                    st.caption("(empty)" if facts else "(none known)")
                if facts:
                    st.caption(facts)


def role(view: ComparisonView, side: str) -> str:
    """What a side is, whatever it is measured against."""
    if _run_of(view, side) or not view.who:
        return "tuned" if _run_of(view, side) else "base"
    of_runs = {one.model for one in view.who if one.run}
    model = next((one.model for one in view.who if one.name == side), "")
    return "base" if model in of_runs or not of_runs else "model"


def _facts(view: ComparisonView, row: Row, side: str, base: str) -> str:
    """Scores of one answer, with signs where they are better or worse than the base's; its length and end."""
    parts = []
    untested = {
        pair["metric"] for pair in view.result.get("pairs", []) if pair["tuned"] == side and pair.get("untested")
    }
    for name, spec in view.metrics.items():
        value = row.get(f"{name}|{side}")
        sign = "" if side == base or name in untested else SIGNS[better_by(spec, row.get(f"{name}|{base}"), value)]
        parts.append(f"{spec.label} {row_value(spec, value)}{sign}")
    if row.get(f"tokens|{side}") is not None:
        parts.append(f"{row[f'tokens|{side}']:,} tokens")
    if row.get(f"ended|{side}"):
        parts.append(ENDED.get(row[f"ended|{side}"], str(row[f"ended|{side}"])))
    return escape(" · ".join(parts))


def _nearest(view: ComparisonView, row_id: int, tuned: str) -> None:
    """The training rows most like it, each a link to the row itself."""
    run = _run_of(view, tuned)
    if not run:
        return
    try:
        found = comparison_cache.nearest(view, row_id, run)
    except StudioError as error:
        show(error.message, error.hint)
        return
    st.markdown(f":small[**Nearest rows that {escape(run)} was trained on**, by the words that their questions share]")
    if not found:
        st.caption("No training row shares its words.")
    for near in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            link(
                "curate",
                f"row {near.row_id}",
                icon=":material/open_in_new:",
                dataset=near.data,
                view="Rows",
                row=str(near.row_id),
                help="Open it in Curate.",
            )
            st.markdown(f":small[question {near.similarity:.0%} alike]", width="content")
            st.text(f"{shorten(near.question, 160)}\n→ {shorten(near.answer, 160)}", width="stretch")
