"""One run: live while it goes, its results when it ends."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.evaluation import comparisons
from lib.jobs import queue
from lib.training import runs
from lib.training.facts import in_words
from lib.training.runs import RunView
from lib.words import counted, duration, memory
from studio.components.badges import state_badge
from studio.components.charts import figure_chart, loss_chart, smoothing
from studio.components.errors import guarded, show_job_error
from studio.components.frame import Place, chain_bar
from studio.components.job import progress_bar
from studio.components.links import link
from studio.components.runs.actions import show_actions, show_ends, show_labels
from studio.components.runs.packaging import show_packaging
from studio.components.runs.samples import show_samples
from studio.components.text import ago, escape, typed

MOST_COMPARED = 5  # newest comparisons that it is said to be in
FIGURES = {
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
    "tokens_per_second": "tokens/s",
    "memory": "memory, bytes",
}


def show_run(run: RunView) -> None:
    """One run. While it is live only its top part is drawn again, every second."""
    done = run.has_adapter and not run.job.live
    place = Place(
        dataset=run.data_ref if run.dataset else "",
        template=run.template,
        run=run.id,
        next_page="compare" if done else "",
        next_label="Compare with the base",
    )
    chain_bar(place)
    link("runs", "All runs", icon=":material/arrow_back:")
    if run.job.live:
        _live(run.id)
    else:
        _ended(run)
        show_packaging(run)
    show_labels(run)
    _details(run)


@st.fragment(run_every="1s")
@guarded
def _live(run_id: str) -> None:
    run = runs.get(run_id)
    if not run.job.live:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(run.id, anchor=False, width="content")
        state_badge(run.status)
        st.space("stretch")
        show_ends(run)
    progress_bar(run.job, "steps")
    for notice in run.warnings:
        st.warning(escape(notice.text), icon=":material/warning:")
    if run.status == "queued":
        st.caption(_ahead(run))
    lines = runs.metrics(run_id)
    if lines:
        total = run.job.progress.get("total") or run.config.max_steps or lines[-1]["step"]
        curves(lines, "live", total)
    else:
        st.skeleton(height=300)
    show_samples(run_id)


def _ahead(run: RunView) -> str:
    """Its place in the queue; of one that was resumed also where it goes on, and why it waits again."""
    waiting = [job.id for job in queue.waiting("compute")]
    ahead = waiting.index(run.job.id) if run.job.id in waiting else 0
    place = (
        f"{counted(ahead, 'job')} before it in the queue, after what runs now."
        if ahead
        else "It is next, when the device is free."
    )
    step = runs.kept_step(run)
    return f"It goes on from step {step:,}; to go on it was put at the end of the queue. {place}" if step else place


def _ended(run: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(run.id, anchor=False, width="content")
        state_badge(run.status)
        st.caption(f"by {escape(run.created_by)}, {ago(run.created_at)}", width="content")
    show_job_error(run.error)
    show_actions(run)
    _history(run)
    if "steps" in run.summary:
        _figures(run.summary)
    lines = runs.metrics(run.id)
    if lines:
        curves(lines, "ended", max(line["step"] for line in lines))
    show_samples(run.id)


def _history(run: RunView) -> None:
    """Whether it was interrupted on its way, and what it was compared in."""
    compared = [view for view in comparisons.list_comparisons() if run.id in view.runs][:MOST_COMPARED]
    with st.container(horizontal=True, vertical_alignment="center"):
        if step := run.summary.get("resumed_from"):
            st.caption(
                f":material/resume: It went on from step {step:,} after it was interrupted or stopped.", width="content"
            )
        for view in compared:
            link("compare", f"Comparison {view.id}", comparison=str(view.id))


def curves(lines: list[dict[str, Any]], name: str, total: int) -> None:
    """Loss, and on request what else is written down at each step."""
    with st.container(horizontal=True, vertical_alignment="center"):
        log = st.toggle("Log scale", key=f"log-{name}")
        smooth = smoothing(f"smooth-{name}", "none")
    loss_chart({"this run": lines}, key=f"loss-{name}", log=log, smooth=smooth, total=total)
    others = {figure: label for figure, label in FIGURES.items() if any(figure in line for line in lines)}
    if others and st.toggle("Learning rate, gradient norm, speed, memory", key=f"more-{name}"):
        for cell, (figure, label) in zip(_cells(len(others)), others.items(), strict=True):
            with cell:
                figure_chart(lines, figure, label, key=f"{figure}-{name}", total=total)


def _cells(number: int) -> list[Any]:
    return [cell for _ in range(-(-number // 2)) for cell in st.columns(2)][:number]


def _figures(summary: dict[str, Any]) -> None:
    before, after = summary["eval_loss"]
    with st.container(horizontal=True):
        if before is not None:
            st.metric(
                "Loss on held-out rows",
                f"{after:.3f}",
                delta=f"{after - before:+.3f} from {before:.3f}",
                delta_color="inverse",
                border=True,
                height="stretch",
                help="Mean nats a token on rows that were not trained on; lower is better.",
            )
        st.metric("Steps", summary["steps"], border=True, height="stretch")
        st.metric(
            "Tokens read",
            f"{summary['tokens']:,}",
            border=True,
            height="stretch",
            help="Real tokens trained on, padding not counted.",
        )
        st.metric("Speed", f"{summary['tokens_per_second']:,.0f} tok/s", border=True, height="stretch")
        st.metric("Time of steps", duration(summary["seconds"]), border=True, height="stretch", help=_around(summary))
        st.metric("Peak memory", memory(summary["peak_memory_bytes"]), border=True, height="stretch")


def _around(summary: dict[str, Any]) -> str:
    """What the time of the steps leaves out."""
    if summary.get("ready_seconds") is None:
        return "Steps alone, without loading."
    other = f"; {share:.0%} of the time since was not steps" if (share := summary.get("other_share")) else ""
    return (
        f"Steps alone. The first one came {duration(summary['ready_seconds'])} after the start of its process{other}."
    )


def _details(run: RunView) -> None:
    rows = run.summary.get("rows", {})
    if rows.get("left_out"):
        listed = "; ".join(
            f"{count:,} {reason} ({rows['examples'].get(reason, '')})" for reason, count in rows["left_out"].items()
        )
        st.caption(f":material/filter_alt: Rows left out of training: {escape(listed)}")
    with st.expander("Settings and how to repeat it", icon=":material/tune:"):
        st.caption("In the studio's folder this makes the run again:")
        st.code(typed(runs.repeat(run)), language=None, wrap_lines=True)
        st.dataframe(
            [{"setting": key, "value": str(value)} for key, value in run.config.to_dict().items()],
            hide_index=True,
            alt="Settings of the run",
        )
        if run.facts:
            facts = [{"fact": what, "value": words} for what, words in in_words(run.facts).items()]
            st.dataframe(facts, hide_index=True, alt="What the run was made with")
    figures = run.folder / "metrics.jsonl"
    if figures.exists():
        st.download_button(
            "Figures of each step",
            figures.read_bytes,
            f"{run.id}-metrics.jsonl",
            icon=":material/download:",
            type="tertiary",
            help="Loss, learning rate, gradient norm, speed and memory, a line of JSON a step.",
            on_click="ignore",
        )
    log = st.expander("Log", icon=":material/description:", on_change="rerun", key="log")
    if log.open:
        log.code(runs.log_tail(run.id) or "Nothing printed yet.", language=None, wrap_lines=True, height=320)
