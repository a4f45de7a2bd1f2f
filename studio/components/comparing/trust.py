"""Why to trust a comparison, and why not: leaks, noise, weights, settings, hashes, signatures."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.evaluation.comparing.checks import WORDS
from lib.evaluation.comparisons import ComparisonView
from lib.words import counted, duration
from studio.components.comparing.figures import figure_rows
from studio.components.text import escape

SHORT = 16  # digits of a hash that are shown; the exported JSON has all


def show_trust(view: ComparisonView) -> None:
    """An expander, filled when it is opened."""
    opened = st.expander("Can I trust this?", icon=":material/verified:", key="compare-trust", on_change="rerun")
    if opened.open:
        with opened:
            _leaks(view)
            _noise(view)
            _weights(view)
            _settings(view)
            _hashes(view)


def _leaks(view: ComparisonView) -> None:
    st.markdown("**Were these questions in the training rows?**")
    leaked, rows = view.result.get("leaked", 0), view.result.get("rows", 0)
    if not leaked:
        st.markdown("None of the questions was found in training data of these runs.")
        return
    for run, kinds in view.result.get("leaks", {}).items():
        listed = ", ".join(f"{count:,} {WORDS.get(kind, kind)}" for kind, count in kinds.items() if count)
        given = f"gave away {sum(kinds.values()):,} of {rows:,}: {listed}" if listed else "gave none of them away"
        st.markdown(f"The training rows of {escape(run)} {given}.")
    with_leaks = view.result.get("with_leaks")
    if with_leaks:
        st.caption("Figures with the leaked rows; those above are without.")
        st.dataframe(
            figure_rows(view, with_leaks, with_leaks["pairs"]),
            hide_index=True,
            key="compare-leaked",
            alt="The same figures with the leaked rows",
        )


def _noise(view: ComparisonView) -> None:
    st.markdown("**How much is noise?**")
    noise = view.result.get("noise", {})
    rows = [
        {
            "what": name,
            "metric": _label(view, metric),
            "mean": found["mean"],
            "lowest": found["low"],
            "highest": found["high"],
            "in words": found["sentence"],
        }
        for name, by_metric in noise.get("seeds", {}).items()
        for metric, found in by_metric.items()
    ]
    rows += [
        {
            "what": ", ".join(group["runs"]),
            "metric": _label(view, metric),
            "mean": found["mean"],
            "lowest": found["low"],
            "highest": found["high"],
            "in words": found["sentence"],
        }
        for group in noise.get("runs", [])
        for metric, found in group["metrics"].items()
    ]
    if rows:
        st.dataframe(rows, hide_index=True, key="compare-noise", alt="How far figures move with another seed")
        return
    greedy = not view.config.get("temperature")
    st.caption(
        "Answers were greedy: asking again gives the same. Only another training seed could move them."
        if greedy
        else "Asked once. Ask several times (repeats) to see how far figures move with the seed alone."
    )


def _label(view: ComparisonView, metric: str) -> str:
    return view.metrics[metric].label if metric in view.metrics else metric


def _weights(view: ComparisonView) -> None:
    st.markdown("**Are these different models?**")
    proof = view.result.get("proof", {})
    for run, told in proof.items():
        if told["differs"]:
            st.markdown(
                f":green[:material/check:] Yes. With the adapter of {escape(run)} its base weighs the words it could "
                "say next differently (other logits)."
            )
        else:
            with_and_without = f"With and without the adapter of {escape(run)} its base says exactly the same."
            st.markdown(f":red[:material/close:] No. {with_and_without}")
    if not proof:
        st.caption("No adapter took part, or it was made before this was checked.")


def _settings(view: ComparisonView) -> None:
    st.markdown("**How was it made?**")
    result = view.result
    told = {
        "asked": view.asked,
        "answers": result.get("decoding", ""),
        "repeats": view.config.get("repeats", 1),
        "system prompt": view.config.get("system", ""),
        "rows": f"{counted(result.get('rows', 0), 'row')} of {result.get('asked', 0):,} asked",
        "took": duration(result["seconds"]) if result.get("seconds") else "",
        "answer tokens": f"{result['tokens']:,}" if result.get("tokens") else "",
    }
    rows = [{"setting": key, "value": str(value)} for key, value in told.items() if value not in ("", None)]
    st.dataframe(rows, hide_index=True, key="compare-settings", alt="Settings of the comparison")
    signatures = [{"metric": spec.label, "signature": spec.signature} for spec in view.metrics.values()]
    st.dataframe(signatures, hide_index=True, key="compare-signatures", alt="Signature of each metric")


def _hashes(view: ComparisonView) -> None:
    rows = [
        {"side": name, **{key: _short(value) for key, value in parts.items()}}
        for name, parts in view.result.get("sides", {}).items()
    ]
    if rows:
        st.dataframe(rows, hide_index=True, key="compare-hashes", alt="What each side is made of, with SHA-256 hashes")
        st.caption(f"SHA-256, first {SHORT} digits; the exported JSON has all of them.")


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text[:SHORT] if len(text) == 64 else text
