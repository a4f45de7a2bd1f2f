"""One question with its answers, beside the verdict: what figures cannot tell is read."""

from __future__ import annotations

import math

import streamlit as st

from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.examples import Filters, Order
from studio import comparison_cache
from studio.components.comparing import place
from studio.components.comparing.example import Row, role
from studio.components.text import directed, escape, shorten

LETTERS = 260  # of each answer: as many as leave the verdict and the answers on one screen


def show_one(view: ComparisonView, tuned: str) -> None:
    """The question in the middle, from where the side loses most to where it gains most; others one by one."""
    turn = place.number("read") or 0
    row, total = _row(view, tuned, turn)
    if row is None:
        return
    base = view.sides[0]
    cells = [(f"{role(view, side)} · {side}", row.get(f"text|{side}") or "(empty)") for side in (base, tuned)]
    cells.append(("reference", row.get("reference") or "(none known)"))
    with st.container(border=True, key="compare-one"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.text(directed(shorten(row["prompt"], LETTERS)), width="stretch")
            if total > 1:
                st.button(
                    "Read another",
                    type="tertiary",
                    icon=":material/shuffle:",
                    on_click=place.put,
                    kwargs={"read": str((turn + 1) % total)},
                    help="It begins with a question in the middle, neither its best nor its worst. All are below.",
                )
        for column, (title, text) in zip(st.columns(len(cells)), cells, strict=True):
            column.markdown(f":small[**{escape(title)}**]")
            column.text(directed(shorten(text, LETTERS)))


def _row(view: ComparisonView, tuned: str, turn: int) -> tuple[Row | None, int]:
    """The row of this turn, and how many there are: in steps that come by each of them once."""
    metrics = [pair["metric"] for pair in view.result.get("pairs", []) if pair["tuned"] == tuned]
    order = Order("worst", metrics[0], tuned, view.sides[0]) if metrics else Order()
    total = comparison_cache.examples(view, order, Filters(), 1, 0).total
    if not total:
        return None, 0
    step = next(step for step in range(total * 3 // 8 + 1, 0, -1) if math.gcd(step, total) == 1)
    found = comparison_cache.examples(view, order, Filters(), 1, (total // 2 + turn * step) % total)
    return next(iter(found.rows), None), total
