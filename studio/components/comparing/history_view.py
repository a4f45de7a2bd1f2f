"""One comparison held against another: what differs in how they were made, and in what came of it."""

from __future__ import annotations

import streamlit as st

from lib.errors import StudioError
from lib.evaluation import comparisons
from lib.evaluation.comparisons import ComparisonView
from lib.evaluation.history import Against
from lib.words import counted
from studio import comparison_cache
from studio.components.comparing import place
from studio.components.comparing.forest import marks_of, show_forest
from studio.components.comparing.words import outcomes, p_value, with_interval
from studio.components.errors import show
from studio.components.text import ago, escape

MOST_OFFERED = 200
WORDS = {
    "tuned better": "▲ the other is better",
    "tuned worse": "▼ the other is worse",
    "no evidence": "● no evidence",
    "differs": "◆ differs",
}


def show_history(view: ComparisonView) -> None:
    """A chooser of another comparison, and both together."""
    others = {
        str(one.id): one for one in comparisons.list_comparisons(MOST_OFFERED) if one.id != view.id and one.result
    }
    if not others:
        st.caption("There is no other finished comparison yet. Make one with another run, template or setting.")
        return
    like = next((key for key, one in others.items() if one.asked == view.asked), next(iter(others)))
    chosen = place.select("other", "The other comparison", list(others), like, words=lambda key: _title(others[key]))
    other = others[chosen]
    try:
        found = comparison_cache.against(view, other)
    except StudioError as error:
        show(error.message, error.hint)
        return
    _questions(found)
    _settings(found)
    _figures(view, found)


def _title(view: ComparisonView) -> str:
    return f"{view.id} · {', '.join(view.sides[1:])} on {view.asked} · {ago(view.created_at)}"


def _questions(found: Against) -> None:
    st.markdown(
        f"{counted(found.both, 'question')} in common; {found.only_a:,} only in comparison {found.a}, "
        f"{found.only_b:,} only in comparison {found.b}."
    )


def _settings(found: Against) -> None:
    if not found.settings:
        st.caption("Both were made in the same way.")
        return
    rows = [
        {"setting": key, f"comparison {found.a}": _value(one), f"comparison {found.b}": _value(other)}
        for key, (one, other) in found.settings.items()
        if not (": " in key and (one is None or other is None))  # of a side that only one of them has
    ]
    st.dataframe(rows, hide_index=True, key="compare-differing", alt="Settings in which the two differ")


def _value(value: object) -> str:
    text = "–" if value is None else str(value)
    return text[:16] if len(text) == 64 and text.isalnum() else text


def _figures(view: ComparisonView, found: Against) -> None:
    if not found.pairs:
        st.caption("They have no question and metric in common, so there is nothing to compare.")
        return
    rows, marks = [], []
    for pair in found.pairs:
        spec = view.metrics[pair["metric"]]
        rows.append(
            {
                "metric": spec.label,
                f"comparison {found.a}": pair["a"],
                f"comparison {found.b}": pair["b"],
                "difference [95 %]": with_interval(spec, pair, "difference", signed=True),
                "p, corrected": p_value(pair),
                "better / same / worse": outcomes(pair),
                "verdict": WORDS.get(pair["verdict"], pair["verdict"]),
            }
        )
        marks += marks_of((spec.label, pair["b"]), spec, pair)
    st.dataframe(rows, hide_index=True, key="compare-against", alt="Differences of the two comparisons")
    show_forest(marks, "compare-against-chart", who=f"comparison {found.b}")
    st.caption(f"Differences are comparison {escape(str(found.b))} less comparison {found.a}.")
