"""The list of runs, and one run: live while it goes, its results when it ends."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.jobs import queue
from lib.settings import settings
from lib.training import runs
from lib.training.runs import RunView
from lib.words import duration
from studio.components.badges import state_badge
from studio.components.charts import loss_chart
from studio.components.errors import guarded, show_job_error
from studio.components.frame import Place, chain_bar
from studio.components.job import progress_bar
from studio.components.links import link
from studio.components.text import ago, escape


def show_list(views: list[RunView]) -> None:
    """A line a run, newest first."""
    for run in views:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            link("runs", f"**{run.id}**", run=run.id)
            state_badge(run.status)
            st.markdown(f":small[{run.data_ref} · {escape(run.model)} · {run.template}]", width="content")
            if run.summary:
                st.markdown(
                    f":small[eval loss {_eval(run.summary)} · {duration(run.summary['seconds'])}]", width="content"
                )
            elif run.job.live:
                st.markdown(f":small[{escape(run.job.progress.get('text', ''))}]", width="content")
            st.markdown(f":small[:gray[{escape(run.created_by)}, {ago(run.created_at)}]]", width="content")


def show_run(run: RunView) -> None:
    """One run. While it is live only its top part is drawn again, every second."""
    done = run.has_adapter and not run.job.live
    place = Place(
        dataset=run.data_ref,
        template=run.template,
        run=run.id,
        next_page="compare" if done else "",
        next_label="Compare with the base",
    )
    chain_bar(place)
    if run.job.live:
        _live(run.id)
    else:
        _ended(run)
    _details(run)


@st.fragment(run_every="1s")
@guarded
def _live(run_id: str) -> None:
    run = runs.get(run_id)
    if not run.job.live:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(run.id, anchor=False, width="content")
        state_badge(run.status)
        st.space("stretch")
        if st.button("Stop and keep", icon=":material/stop:", disabled=run.job.stopping, key="stop-run"):
            runs.stop(run.id, settings.user)
            st.rerun()
    progress_bar(run.job, "steps")
    if run.status == "queued":
        st.caption(_ahead(run))
    lines = runs.metrics(run_id)
    if lines:
        loss_chart(lines, run.job.progress.get("total") or run.config.max_steps or lines[-1]["step"], key="live-loss")
    else:
        st.skeleton(height=300)


def _ahead(run: RunView) -> str:
    ahead = [job for job in queue.live_jobs() if job.id < run.job.id and job.kind in ("train", "compare")]
    return f"{len(ahead)} before it in the queue." if ahead else "It starts in a moment."


def _ended(run: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(run.id, anchor=False, width="content")
        state_badge(run.status)
        st.caption(f"by {escape(run.created_by)}, {ago(run.created_at)}", width="content")
    show_job_error(run.job.error)
    if run.summary:
        _figures(run.summary)
    lines = runs.metrics(run.id)
    if lines:
        loss_chart(lines, max(line["step"] for line in lines), key="loss")


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
            "Tokens",
            f"{summary['tokens']:,}",
            border=True,
            height="stretch",
            help="Real tokens trained on, padding not counted.",
        )
        st.metric("Speed", f"{summary['tokens_per_second']:,.0f} tok/s", border=True, height="stretch")
        st.metric(
            "Time", duration(summary["seconds"]), border=True, height="stretch", help="Steps alone, without loading."
        )
        st.metric("Peak memory", f"{summary['peak_memory_bytes'] / 2**30:.1f} GiB", border=True, height="stretch")


def _details(run: RunView) -> None:
    rows = run.summary.get("rows", {})
    if rows.get("left_out"):
        listed = "; ".join(
            f"{count:,} {reason} ({rows['examples'].get(reason, '')})" for reason, count in rows["left_out"].items()
        )
        st.caption(f":material/filter_alt: Rows left out of training: {escape(listed)}")
    with st.expander("Settings and how to repeat it", icon=":material/tune:"):
        st.code(runs.command_line(run.data_ref, run.model, run.template, run.config), language=None, wrap_lines=True)
        st.dataframe(
            [{"setting": key, "value": str(value)} for key, value in run.config.to_dict().items()],
            hide_index=True,
            alt="Settings of the run",
        )
        if run.summary:
            about = {
                key: run.summary[key] for key in ("device", "threads", "base_sha256", "versions") if key in run.summary
            }
            st.dataframe([{"fact": key, "value": str(value)} for key, value in about.items()], hide_index=True)
    log = st.expander("Log", icon=":material/description:", on_change="rerun", key="log")
    if log.open:
        log.code(runs.log_tail(run.id) or "Nothing printed yet.", language=None, wrap_lines=True, height=320)


def _eval(summary: dict[str, Any]) -> str:
    before, after = summary["eval_loss"]
    return f"{before:.2f} → {after:.2f}" if before is not None and after is not None else "not measured"
