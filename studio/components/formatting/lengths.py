"""How long rows are in tokens, and what each way with long rows would do, before it is done."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.data.lint import results
from lib.data.lint.settings import LintSettings
from lib.formats.fitting import POLICIES, Effect
from lib.words import counted
from studio import state
from studio.components.formatting.look import Look


def show_lengths(look: Look, settings: LintSettings, summary: dict[str, Any]) -> None:
    """A histogram with the limit drawn in."""
    bars = results.lengths(look.info, settings)
    if not bars:
        return
    over = results.longer_than(look.info, settings, look.max_length)
    st.markdown(
        f"**Lengths** :small[:gray[{summary['tokens']:,} tokens, {summary['trained']:,} of them learned; the longest "
        f"row has {summary['longest']:,}; {counted(over, 'row')} over {look.max_length:,}]]"
    )
    _chart(look.info, bars, look.max_length if over else 0)


def _chart(info: DatasetInfo, bars: list[results.Bar], limit: int) -> None:
    """`limit` is drawn in where rows are longer; 0: no row is."""
    inside = [
        {"value": bar.rows, "itemStyle": {"opacity": 0.45 if limit and bar.low >= limit else 0.9}} for bar in bars
    ]
    names = [f"{bar.low:,}" if bar.high is not None else f"{bar.low:,}+" for bar in bars]
    cut = sum(bar.high is not None and bar.high <= limit for bar in bars)
    line = {
        "silent": True,
        "symbol": "none",
        "label": {"formatter": f"longest row {limit:,}", "position": "end"},
        "lineStyle": {"color": "#c0392b", "type": "dashed", "width": 2},
        "data": [{"xAxis": min(cut, len(bars) - 1)}],
    }
    spec = {
        "animation": False,
        "grid": {"left": 44, "right": 12, "top": 18, "bottom": 36},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": names, "name": "tokens", "nameLocation": "middle", "nameGap": 24},
        "yAxis": {"type": "value"},
        "series": [
            {"name": "rows", "type": "bar", "data": inside, "barCategoryGap": "8%", "markLine": line if limit else None}
        ],
    }
    listed = ", ".join(f"{name}: {bar.rows:,}" for name, bar in zip(names, bars, strict=True))
    st.echarts_chart(spec, height=190, key=f"lengths-{info.ref}", alt=f"Rows by tokens, from: {listed}.")


def show_effects(look: Look, summary: dict[str, Any]) -> None:
    """Each way with long rows with what it would come to; the chosen one holds for the whole page."""
    st.session_state["effects"] = look.policy  # it may have been chosen above
    st.radio(
        f"Rows over {look.max_length:,} tokens, counted before anything happens",
        list(POLICIES),
        key="effects",
        captions=[_words(Effect.from_dict(summary["effects"][policy])) for policy in POLICIES],
        on_change=_choose,
        help="  \n".join(f"*{name}*: {text}" for name, text in POLICIES.items()),
    )


def _choose() -> None:
    state.put("long", st.session_state["effects"])


def _words(effect: Effect) -> str:
    """`12 rows cut, 3 rows left out; 1,204 learned tokens lost; 15,046 rows to train on`."""
    parts = [
        (effect.cut, "cut"),
        (effect.shortened, f"without {counted(effect.turns_removed, 'pair')}"),
        (effect.split, "split"),
        (effect.dropped, "left out"),
    ]
    done = ", ".join(f"{counted(count, 'row')} {what}" for count, what in parts if count) or "nothing changes"
    lost = f"; {counted(effect.trained_lost, 'learned token')} lost" if effect.trained_lost else ""
    return f"{done}{lost} · **{counted(effect.made, 'row')}**"
