"""Charts as plain ECharts specs."""

from __future__ import annotations

from typing import Any

import streamlit as st


def loss_chart(lines: list[dict[str, Any]], total_steps: int, key: str) -> None:
    """Training loss a step as a line, loss on held-out rows as points; both in nats a token."""
    trained = [[line["step"], round(line["loss"], 4)] for line in lines if "loss" in line]
    held_out = [[line["step"], round(line["eval_loss"], 4)] for line in lines if "eval_loss" in line]
    spec = {
        "animation": False,
        "grid": {"left": 48, "right": 16, "top": 32, "bottom": 40},
        "legend": {"top": 0, "data": ["training", "held-out rows"]},
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "value",
            "name": "step",
            "nameLocation": "middle",
            "nameGap": 26,
            "min": 0,
            "max": total_steps,
        },
        "yAxis": {"type": "value", "scale": True, "name": "loss"},
        "series": [
            {"name": "training", "type": "line", "data": trained, "showSymbol": len(trained) < 3, "symbolSize": 5},
            {
                "name": "held-out rows",
                "type": "line",
                "data": held_out,
                "symbol": "diamond",
                "symbolSize": 11,
                "lineStyle": {"type": "dashed"},
            },
        ],
    }
    last = f"{trained[-1][1]:.2f} at step {trained[-1][0]}" if trained else "no step yet"
    st.echarts_chart(spec, height=300, key=key, alt=f"Loss by training step; training loss {last}.")
