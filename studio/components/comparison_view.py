"""A split through base and tuned: start one, watch it, read the figures and the examples."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.data import datasets
from lib.errors import StudioError
from lib.evaluation import comparisons
from lib.evaluation.comparisons import CompareConfig, ComparisonView
from lib.evaluation.examples import Order, examples
from lib.evaluation.metrics import MetricSpec, shown
from lib.settings import settings
from lib.training.runs import RunView
from lib.words import counted
from studio import state
from studio.components.badges import state_badge
from studio.components.errors import show, show_job_error
from studio.components.job import follow
from studio.components.text import ago, escape

PAGE_ROWS = 10
FEWEST_TO_TELL = 6  # a two-sided permutation test of n pairs cannot give a p below 2 / 2**n
SPLIT_VIEW = "test split"
BETTER = {True: "higher is better", False: "lower is better", None: "neither is better"}


def follow_link() -> None:
    """The address may name nothing but a comparison: then its run and its figures are what to show."""
    asked = st.query_params.get("comparison", "")
    if not asked:
        return
    view = {str(known.id): known for known in comparisons.list_comparisons()}.get(asked)
    if view is None:
        st.warning(f"There is no comparison {escape(asked)}.", icon=":material/link_off:")
    if view is None or not view.runs or st.query_params.get("run", view.runs[0]) not in view.runs:
        state.forget("comparison")
        return
    state.put("run", st.query_params.get("run", view.runs[0]))
    state.put("view", st.query_params.get("view", SPLIT_VIEW))


def show_split(run: RunView) -> None:
    """The chosen comparison of this run (newest by default), with a form to start another."""
    known = [view for view in comparisons.list_comparisons() if run.id in view.runs]
    _start(run, first=not known)
    if not known:
        st.caption("Both models answer every held-out row; then the figures and each pair of answers stand here.")
        return
    _comparison(_chosen(known))


def _start(run: RunView, first: bool) -> None:
    info = datasets.get(run.data_ref)
    splits = [split for split in ("test", "validation", "train") if info.splits.get(split)]
    with st.form("compare", border=True):
        left, middle, right = st.columns(3, vertical_alignment="bottom")
        split = left.selectbox("Split", splits, key="compare-split", help="test: rows the run never learned from")
        limit = middle.number_input(
            "Rows at most", 1, 10_000, 24, key="compare-limit", help="Chosen at random, but always the same ones."
        )
        if right.form_submit_button(
            "Compare", type="primary" if first else "secondary", icon=":material/compare_arrows:"
        ):
            try:
                view = comparisons.create([run.id], run.data_ref, split, CompareConfig(limit=int(limit)), settings.user)
            except StudioError as error:
                show(error.message, error.hint)
                return
            state.put("comparison", str(view.id))
            st.rerun()


def _chosen(known: list[ComparisonView]) -> ComparisonView:
    by_id = {str(view.id): view for view in known}
    if len(known) == 1:
        return known[0]
    _, widget = state.choice("comparison", list(by_id), next(iter(by_id)))
    chosen = st.selectbox(
        "Comparison",
        list(by_id),
        key=widget,
        on_change=state.chosen,
        args=("comparison",),
        format_func=lambda key: f"{key} · {by_id[key].asked} · {by_id[key].status} · {ago(by_id[key].created_at)}",
    )
    return by_id[chosen]


def _comparison(view: ComparisonView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Comparison {view.id}: {escape(view.asked)}", anchor=False, width="content")
        state_badge(view.status)
    if view.job.live:
        follow(view.job.id, "rows", "Stop and keep")
        return
    show_job_error(view.job.error)
    if view.result:
        _verdict(view)
        _figures(view)
        _examples(view)


def _verdict(view: ComparisonView) -> None:
    specs = view.metrics
    better = [specs[pair["metric"]].label for pair in view.result["pairs"] if pair["verdict"] == "tuned better"]
    worse = [specs[pair["metric"]].label for pair in view.result["pairs"] if pair["verdict"] == "tuned worse"]
    parts = []
    if better:
        parts.append(f"tuned is better on {', '.join(better)}")
    if worse:
        parts.append(f"worse on {', '.join(worse)}")
    if not parts:
        parts.append("no evidence that tuned and base differ")
    elif len(better) + len(worse) < len(view.result["pairs"]):
        parts.append("no evidence either way on the rest")
    rows = view.result["rows"]
    for warning in view.result.get("warnings", []):
        st.warning(escape(warning["text"]), icon=":material/info:")
    st.markdown(f"**Verdict:** {'; '.join(parts)}. :gray[{counted(rows, 'row')}, 95 % intervals.]")
    if rows < FEWEST_TO_TELL:
        st.warning(
            f"{counted(rows, 'row')} are too few to tell: even if all of them agree, chance alone could do it. "
            f"Hold out at least {FEWEST_TO_TELL}, better fifty.",
            icon=":material/help:",
        )


def _figures(view: ComparisonView) -> None:
    base = next(iter(view.result["models"]))
    lines = []
    for pair in view.result["pairs"]:
        spec = view.metrics[pair["metric"]]
        digits = spec.digits
        mean = {name: view.result["models"][name][pair["metric"]]["mean"] for name in (base, pair["tuned"])}
        lines.append(
            {
                "metric": f"{spec.label} ({BETTER[spec.higher_is_better]})",
                base: _number(mean[base], digits),
                pair["tuned"]: _number(mean[pair["tuned"]], digits),
                "difference, 95 %": _difference(pair, digits),
                "p": _p(pair["p"]),
                "better / same / worse": f"{pair['wins']} / {pair['ties']} / {pair['losses']}",
            }
        )
    st.dataframe(lines, hide_index=True, alt="Metrics of base and tuned with differences")
    for name, empty in view.result.get("empty", {}).items():
        if empty:
            st.caption(
                f":material/info: {escape(name)} ended without a word on {empty} of {view.result['rows']} rows; "
                "a base does so when the template is not one that it was made with."
            )
    if view.result.get("left_out"):
        listed = "; ".join(f"{count} {reason}" for reason, count in view.result["left_out"].items())
        st.caption(f"Rows not asked: {escape(listed)}")


def _examples(view: ComparisonView) -> None:
    base, tuned = list(view.result["models"])[:2]
    metrics = view.metrics
    st.subheader("Examples", anchor=False)
    orders = {"row": "in order"} | {name: f"largest difference in {spec.label}" for name, spec in metrics.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        order = st.selectbox(
            "Order", list(orders), format_func=lambda key: orders[key], key="examples-order", width=360
        )
        pages = max(-(-view.result["rows"] // PAGE_ROWS), 1)
        number = st.pagination(pages, key="examples-page")
    wanted = Order() if order == "row" else Order("largest", order, tuned, base)
    for row in examples(view.id, wanted, limit=PAGE_ROWS, offset=(number - 1) * PAGE_ROWS).rows:
        _example(row, base, tuned, metrics)


def _example(row: dict[str, Any], base: str, tuned: str, metrics: dict[str, MetricSpec]) -> None:
    with st.container(border=True):
        st.markdown(f":small[:gray[row {row['row_id']}]]")
        st.text(row["prompt"])
        for column, title, text in zip(
            st.columns(3),
            ("reference", f"base · {base}", f"tuned · {tuned}"),
            (row["reference"], row[f"text|{base}"], row[f"text|{tuned}"]),
            strict=True,
        ):
            column.markdown(f":small[**{escape(title)}**]")
            column.text(text or "(empty)")
        scores = [
            f"{spec.label} {_score(spec, row[f'{name}|{base}'])} → {_score(spec, row[f'{name}|{tuned}'])}"
            for name, spec in metrics.items()
        ]
        st.caption(" · ".join(scores))


def _score(spec: MetricSpec, value: float | None) -> str:
    return _number(None if value is None else shown(spec, value), spec.digits)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _difference(pair: dict[str, Any], digits: int) -> str:
    if pair["difference"] is None:
        return "–"
    interval = f" [{pair['low']:+.{digits}f}, {pair['high']:+.{digits}f}]" if pair["low"] is not None else ""
    return f"{pair['difference']:+.{digits}f}{interval}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
