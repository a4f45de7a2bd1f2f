"""What a run will come to, before it is started: memory, rows, time, warnings, better settings."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.data.datasets import DatasetInfo
from lib.errors import StudioError
from lib.jobs.queue import JobView
from lib.training.config import TrainConfig
from lib.training.plan import Plan, dry_run_job, plan, submit_dry_run
from lib.training.plan.pace import Pace
from lib.training.plan.warnings import DROPPED
from lib.training.runs import command_line
from lib.words import GIB, counted, duration, memory, speed
from studio import person, state
from studio.components.errors import show, show_job_error
from studio.components.job import follow
from studio.components.text import escape, typed
from studio.components.training.form import label_of, override

MINUTE, HOUR = 60, 3600
COLOURS = ["#2f7d6b", "#c77700", "#4b6cb7", "#b3446c", "#6b8e23", "#7a5ea8", "#00838f", "#8d6e63"]


def plan_box(
    info: DatasetInfo, model: str, template: str, config: TrainConfig | None, before_start: DeltaGenerator
) -> bool:
    """Draw the plan; returns whether the run can be started. `before_start` gets what nobody should miss."""
    with st.container(border=True):
        st.markdown("**What will happen**")
        if config is None:
            st.caption("Mend the settings first.")
            return False
        try:
            found = plan(info, model, template, config)
            job = dry_run_job(info, model, template, found.config)
        except StudioError as error:
            show(error.message, error.hint)
            return False
        _memory(found)
        _figures(found, config)
        _rows(found)
        for name, text in found.faults.items():
            st.error(f"**{escape(label_of(name))}**: {escape(text)}", icon=":material/block:")
        for warning in found.warnings:
            if warning.mild:
                st.caption(f":material/info: {escape(warning.text)}")
                continue
            with before_start if warning.name == "template" else st.container():
                st.warning(escape(warning.text), icon=":material/warning:")
                if warning.name == "template":
                    st.button("Use the model's own template", on_click=state.put, args=("template", "model"))
        _proposals(found)
        _measure(info, model, template, found, job)
        st.caption("The same from a terminal, in the studio's folder:")
        st.code(typed(command_line(info.ref, model, template, config)), language=None, wrap_lines=True)
    return found.can_start


def _memory(found: Plan) -> None:
    need = found.memory
    there, word = (need.free, "free") if need.fits else (need.usable, "usable")
    words = f"{need.needed / GIB:.1f} of {there / GIB:.1f} GiB"
    with st.container(horizontal=True, vertical_alignment="center"):
        if need.fits:
            st.badge(f"fits: {words}", color="green", icon=":material/check:", width="content")
        else:
            st.badge(f"does not fit: {words}", color="red", icon=":material/block:", width="content")
        source = "measured" if found.measured else "estimated"
        st.badge(source, color="gray", help=f"Peak {memory(need.peak)}: {need.how}.")
    st.caption(f":material/memory: {escape(found.device.name)}: {memory(there)} {word}")
    parts = [item for item in (*need.items, need.overhead) if item.bytes > 0]
    _bar([(item.name, item.bytes) for item in parts], there)
    with st.expander("Memory by part", icon=":material/memory:"):
        rows = [{"part": item.name, "memory": memory(item.bytes), "what it is": item.words} for item in parts]
        st.dataframe(rows, hide_index=True, alt="Memory by part")


def _bar(parts: list[tuple[str, int]], there: int) -> None:
    """The parts one behind the other; the axis ends at what there is, or behind the last part."""
    series = [
        {
            "name": name,
            "type": "bar",
            "stack": "memory",
            "data": [round(size / GIB, 3)],
            "barWidth": 18,
            "itemStyle": {"color": COLOURS[number % len(COLOURS)]},
        }
        for number, (name, size) in enumerate(parts)
    ]
    total = sum(size for _, size in parts) / GIB
    spec = {
        "animation": False,
        "grid": {"left": 4, "right": 12, "top": 2, "bottom": 22},
        "tooltip": {"trigger": "item"},
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": axis_end(total, there / GIB),
            "axisLabel": {"formatter": "{value} GiB", "hideOverlap": True},
        },
        "yAxis": {"type": "category", "data": [""], "show": False},
        "series": series,
    }
    listed = ", ".join(f"{name} {memory(size)}" for name, size in parts)
    st.echarts_chart(spec, height=62, key="plan-memory", alt=f"Memory by part: {listed}.")


def axis_end(needed: float, there: float) -> float:
    """What there is, as the words above the bar say it; or beyond what is needed, where that is more."""
    return round(max(there, needed * 1.05), 1)


def _figures(found: Plan, asked: TrainConfig) -> None:
    """Time and steps; the batch too, where it was left to the plan."""
    pace = found.pace
    with st.container(horizontal=True):
        st.metric(
            "Time",
            _time(pace),
            width=150,
            help=f"{escape(pace.source)}. From Start to the end, with {duration(pace.ready_seconds)} until the first "
            "step, the held-out rows and the sample answers. Other work on this machine makes it longer.",
        )
        st.metric("Steps", f"{pace.steps:,}", width=90, help=f"{found.config.rows_per_step} rows a step")
        st.metric("Passes", f"{pace.epochs:.2g}", width=90, help="Times that each row is seen.")
        st.metric("Tokens learned", f"{pace.trained_tokens:,}", width=130, help=f"Of {pace.tokens:,} that are read.")
    rows = counted(found.config.per_device_train_batch_size, "row")
    batches = f"batches of {rows} · " if found.config != asked else ""
    st.caption(f":material/timer: {batches}{speed(pace.tokens_per_second)}, {escape(pace.source)}")


def _time(pace: Pace) -> str:
    """`4 min 58 s` where a run like it was measured, `4 to 6 min` where it is only an estimate."""
    if pace.measured or pace.most_seconds < MINUTE:
        return duration(pace.seconds)
    unit, word = (MINUTE, "min") if pace.most_seconds < 3 * HOUR else (HOUR, "h")
    least = max(round(pace.seconds / unit), 1)
    return f"{least:,} to {max(round(pace.most_seconds / unit), least + 1):,} {word}"


def _rows(found: Plan) -> None:
    rows = found.rows
    about = "" if rows.exact else "about "
    st.markdown(
        f"{about}**{rows.used:,}** of {counted(rows.rows, 'training row')} can be learned from, "
        f"{counted(rows.eval_rows, 'held-out row')} to measure on",
        help=f"Held-out rows are never learned from. At most {found.config.eval_rows:,} of them are measured on while "
        f"it trains: '{label_of('eval_rows')}' under all settings.",
    )
    said = rows.dropped_share > DROPPED  # among the warnings or faults, with the reasons
    lost = [] if said else [f"{count:,} {reason}" for reason, count in rows.left_out.items() if count]
    lost += [f"{count:,} {what}" for count, what in ((rows.cut, "cut"), (rows.split, "split")) if count]
    lost += [f"{rows.shortened:,} without their oldest turns"] if rows.shortened else []
    if lost:
        st.caption(f":material/filter_alt: {about}{escape('; '.join(lost))}")


def _proposals(found: Plan) -> None:
    if not found.proposals:
        return
    with st.expander(
        _offer(found),
        icon=":material/auto_awesome:",
        expanded=not found.fits,
    ):
        for number, proposal in enumerate(found.proposals):
            changes = ", ".join(f"{label_of(key)} {value}" for key, value in proposal.settings.items())
            st.markdown(f"{escape(proposal.why)}  \n:small[:gray[{escape(changes)}]]")
            st.button("Use these", key=f"proposal-{number}", on_click=override, args=(proposal.settings,))


def _offer(found: Plan) -> str:
    """What the proposals come to."""
    if not found.fits:
        return "Settings that fit"
    return "Faster settings" if found.proposals[0].seconds < found.pace.seconds else "Settings for less memory"


def _measure(info: DatasetInfo, model: str, template: str, found: Plan, job: JobView | None) -> None:
    """Two steps on the longest rows in place of the estimate."""
    if job and job.live:
        follow(job.id, "steps")
        return
    if job and job.error and not found.measured:
        show_job_error(job.error)
        _suggested(job.error)
    if not found.measured and st.button(
        "Measure first",
        icon=":material/speed:",
        disabled=not found.rows.used,
        help="Loads the model and takes two steps, one of them on the longest rows: memory and time as they are.",
    ):
        submit_dry_run(info, model, template, found.config, person.name())
        st.rerun()


def _suggested(error: dict[str, Any]) -> None:
    if suggest := error.get("suggest"):
        changes = ", ".join(f"{label_of(key)} {value}" for key, value in suggest.items())
        st.button(f"Use {changes}", key="suggested", on_click=override, args=(suggest,))
