"""All rows at once: what the lint finds under the chosen template and model, and how long rows are."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lib.data.edits.operations import Operation
from lib.data.filters import Query
from lib.data.lint import job as lint_job
from lib.data.lint import results
from lib.data.lint.settings import LintSettings
from lib.data.mapping import read_conversation
from lib.data.table import Table
from lib.errors import StudioError
from lib.words import counted
from studio import person, state
from studio.components.conversation import show_conversation
from studio.components.curation import many
from studio.components.errors import guarded, show, show_job_error
from studio.components.formatting.findings import SEVERITY
from studio.components.formatting.in_hand import see_row
from studio.components.formatting.lengths import show_effects, show_lengths
from studio.components.formatting.look import Look
from studio.components.job import follow
from studio.components.text import escape, template_words

UNASKED = 50_000  # rows up to which they are all looked at without a click
PAGE_ROWS = 10
CHANGES = {
    "template": "template",
    "escape": "escape",
    "long_rows": "long",
}  # setting of a run -> what the page calls it


def settings_of(look: Look) -> LintSettings | None:
    """With what rows are looked at; None without a tokenizer."""
    return LintSettings(look.template, look.model, look.max_length, look.escape) if look.model else None


def found(look: Look) -> dict[str, Any] | None:
    """What the newest look at all rows found, started here when it is missing and small; None until it is there."""
    settings = settings_of(look)
    if settings is None:
        return None
    if look.info.rows <= UNASKED and look.copy.saved_as is None:
        lint_job.ensure(look.info, settings, person.name())
    return results.summary(look.info, settings)


def show_headline(look: Look) -> None:
    """One line: how many rows have something, by severity."""
    try:
        summary = found(look)
    except StudioError:
        return  # the row says what is wrong with template or model
    if summary is None:
        return
    counts = dict.fromkeys(SEVERITY, 0)
    for kind in summary["kinds"]:
        counts[kind["severity"]] += bool(kind["found"])
    for severity, number in counts.items():
        colour, icon = SEVERITY[severity]
        if number:
            st.badge(counted(number, severity), color=colour, icon=icon, help="Kinds of findings over all rows.")
    if not any(counts.values()):
        st.badge("no findings", color="green", icon=":material/check:")
    if summary["left_out"]:
        st.badge(
            f"{counted(summary['left_out'], 'row')} left out",
            color="red",
            icon=":material/block:",
            help="A run would leave them out: refused by the template, or without an answer.",
        )


def show_lint_view(look: Look) -> None:
    """Findings over all rows, lengths, and what becomes of long rows."""
    settings = settings_of(look)
    if settings is None:
        st.info("Choose a model as tokenizer: what the lint says depends on its tokens.", icon=":material/token:")
        return
    try:
        summary = found(look)
        job = lint_job.newest_job(look.info, settings)
    except StudioError as error:
        show(error.message, error.hint)
        return
    if job and job.live:
        follow(job.id, "rows")
        return
    _start(look, settings, summary)
    if job:
        show_job_error(job.error)
    if summary is None:
        return
    left, right = st.columns([3, 2], gap="medium")
    with right:
        show_lengths(look, settings, summary)
        show_effects(look, summary)
    with left:
        _kinds(look, settings, summary)


def _start(look: Look, settings: LintSettings, summary: dict[str, Any] | None) -> None:
    """Small datasets are looked at without a click, and again when they change."""
    if look.info.rows <= UNASKED:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        label = "Look at all rows again" if summary else f"Look at all {look.info.rows:,} rows"
        if st.button(label, type="secondary" if summary else "primary", icon=":material/fact_check:"):
            lint_job.start(look.info, settings, person.name())
            st.rerun()
        if summary and results.stale(look.copy, settings):
            st.badge("rows, template or model changed since", color="orange", icon=":material/update:")


def _kinds(look: Look, settings: LintSettings, summary: dict[str, Any]) -> None:
    kinds = {kind["name"]: kind for kind in summary["kinds"] if kind["found"]}
    if not kinds:
        st.success(f"Nothing was found in {counted(summary['rows'], 'row')}.", icon=":material/check:")
        return
    chosen, widget = state.choice("lint", list(kinds), next(iter(kinds)))
    st.radio(
        "Findings",
        list(kinds),
        key=widget,
        on_change=state.chosen,
        args=("lint",),
        format_func=lambda name: _label(kinds[name], summary["rows"]),
    )
    _kind(look, settings, kinds[chosen])
    clean = [kind["label"] for kind in summary["kinds"] if not kind["found"]]
    if clean:
        st.caption(f"Not found: {escape(', '.join(clean))}.")


def _label(kind: dict[str, Any], rows: int) -> str:
    icon = SEVERITY[kind["severity"]][1]
    of_rows = "template and model" if kind["scope"] == "model" else f"{kind['rows']:,} ({kind['rows'] / rows:.1%})"
    return f"{icon} {kind['label']} · {of_rows}"


def _kind(look: Look, settings: LintSettings, kind: dict[str, Any]) -> None:
    colour, icon = SEVERITY[kind["severity"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(kind["label"], anchor=False, width="content")
        st.badge(kind["severity"], color=colour, icon=icon)
        _buttons(look, settings, kind)
    st.markdown(escape(kind["explanation"]))
    st.caption(f":material/build: {escape(kind['remedy'])}")
    if kind["detail"]:
        st.text(kind["detail"])
    if kind["scope"] == "row":
        _rows(look, settings, kind)


def _buttons(look: Look, settings: LintSettings, kind: dict[str, Any]) -> None:
    """A mend of the rows, with a preview; and the setting that does away with it, chosen here at once."""
    if kind["mendable"] and look.copy.saved_as is None:
        operation = Operation("lint-mend", kind["name"], settings.to_dict())
        if st.button(f"{kind['mend']} …", icon=":material/build:", help="See the rows as they would be first"):
            many.mend_finding(look.info, operation, kind)
    for name, value in kind["suggest"].items():
        if name in CHANGES:
            used = f"Use {template_words(str(value))}"
            label = {"template": used, "escape": "Escape marks"}.get(name, f"Long rows: {value}")
            chosen = "yes" if value is True else str(value)
            st.button(label, key=f"suggest-{name}", on_click=state.put, args=(CHANGES[name], chosen))


@st.fragment
@guarded
def _rows(look: Look, settings: LintSettings, kind: dict[str, Any]) -> None:
    pages = max(-(-kind["rows"] // PAGE_ROWS), 1)
    number = st.pagination(pages, key=f"lint-page-{look.info.ref}-{kind['name']}") if pages > 1 else 1
    try:
        findings = results.rows_of(look.info, settings, kind["name"], PAGE_ROWS, (number - 1) * PAGE_ROWS)
    except StudioError as error:
        show(error.message, error.hint)
        return
    rows = {row.row_id: row for row in Table(look.copy, Query()).rows(sorted({one.row_id for one in findings}))}
    for finding in findings:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                key = f"see-{kind['name']}-{finding.row_id}-{finding.message}"
                if st.button(
                    f"Row {finding.row_id}",
                    key=key,
                    type="tertiary",
                    icon=":material/visibility:",
                    help="See it as text and tokens",
                ):
                    see_row(finding.row_id)
                    st.rerun()  # a fragment: the whole page changes
                st.markdown(f":small[:gray[{escape(finding.detail)}]]", width="content")
            row = rows.get(finding.row_id)
            if row is not None and not row.state.deleted:
                try:
                    show_conversation(read_conversation(row.values, look.copy.mapping))
                except StudioError as error:
                    st.warning(escape(error.message))
