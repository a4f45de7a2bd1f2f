"""Export: the saved version of a dataset as files that other tools read, written by a job and offered for download."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.data.mapping import read_conversation
from lib.errors import BadSettings, StudioError
from lib.export import job as export_job
from lib.export.options import COLUMNS, FORMATS, ExportOptions
from lib.export.preview import preview
from lib.jobs.queue import JobView
from lib.words import counted, size
from studio import person
from studio.components.errors import show, show_job_error
from studio.components.formatting.in_hand import all_rows, row_in_hand
from studio.components.formatting.look import Look
from studio.components.job import follow
from studio.components.text import escape, template_words

ALL = "all"
ONE_FILE, FOLDER = "one file", "split files and a card"
SHOWN = 4_000  # characters of the row in hand
DOWNLOADED = 300 << 20  # bytes up to which a file goes through the browser; it is held in memory for that
LABELS = {
    "text": "text",
    "messages": "messages",
    "prompt-completion": "prompt, completion",
    "alpaca": "instruction, input, output",
    "sharegpt": "conversations (ShareGPT)",
    "ids": "input_ids, labels",
}


def show_export_view(look: Look) -> None:
    """What to write on the left; on the right what came of the last export."""
    job = export_job.newest_job(look.info)
    left, right = st.columns(2, gap="medium")
    with left:
        options, format_ = _options(look)
        push, public = _hub(look.info)
        live = bool(job and job.live)
        if st.button("Write the file", type="primary", icon=":material/download:", disabled=live, key="export"):
            _submit(look.info, options, format_, push, public)
    with right:
        _newest(job)
        _preview(look, options)


def _preview(look: Look, options: ExportOptions) -> None:
    """The row in hand as the file would hold it."""
    found = row_in_hand(all_rows(look))
    if found is None:
        return
    st.markdown(f"**Row {found[1].row_id}** as the file has it")
    try:
        rows = preview(read_conversation(found[1].values, look.copy.mapping), options, look.tokenizer)
    except BadSettings as error:
        st.info(escape(f"{'; '.join(error.faults.values())}."), icon=":material/build:")
        return
    except StudioError as error:
        st.warning(f"{escape(error.message)} {escape(error.hint)}", icon=":material/block:")
        return
    if not rows:
        st.caption("It is left out: longer than the longest row, or with nothing left to learn.")
        return
    text = "\n".join(json.dumps(row, ensure_ascii=False, indent=None if "labels" in row else 1) for row in rows)
    st.code(text[:SHOWN] + (" …" if len(text) > SHOWN else ""), language=None, wrap_lines=True, height=360)


def _options(look: Look) -> tuple[ExportOptions, str]:
    columns = st.radio(
        "Columns",
        list(COLUMNS),
        key="export-columns",
        captions=list(COLUMNS.values()),
        persist_state="session",
        format_func=lambda name: LABELS[name],
    )
    rendered = columns in ("text", "ids")
    if columns == "prompt-completion":
        rendered = st.checkbox(
            f"Write both in the template: {template_words(look.template)}",
            key="export-rendered",
            persist_state="session",
            help="Otherwise the bare question and answer.",
        )
    if rendered:
        with_tokens = f"with the tokens of {look.model}" if look.model else "with the format's literal tokens"
        st.caption(f"Template: {escape(template_words(look.template))}, {escape(with_tokens)}: both are chosen above.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        format_ = st.segmented_control(
            "Format",
            list(FORMATS),
            default=".jsonl",
            required=True,
            key="export-format",
            help="  \n".join(f"{name}: {text}" for name, text in FORMATS.items()),
            persist_state="session",
        )
        split = st.selectbox(
            "Rows",
            [ALL, *look.info.splits],
            key="export-split",
            width=150,
            persist_state="session",
            format_func=lambda name: _rows_of(look.info, name),
        )
        shape = st.selectbox("As", [ONE_FILE, FOLDER], key="export-shape", width=200, persist_state="session")
    folder = shape == FOLDER
    options = ExportOptions(
        columns=columns,
        split=None if split == ALL else split,
        split_files=folder,
        template=look.template if rendered else None,
        tokenizer=look.model or None if rendered else None,
        escape=look.escape and rendered,
    )
    options = _switches(look, replace(options, licence=_licence() if folder else None), rendered)
    return options, format_ or ".jsonl"


def _switches(look: Look, options: ExportOptions, rendered: bool) -> ExportOptions:
    """What can be switched on or off for the chosen columns."""
    chosen: dict[str, Any] = {
        "keep_good": _switch(
            "keep_good",
            "Leave out rows that cannot be written, and count them",
            "Otherwise the first such row ends the export.",
        ),
        "unroll": _switch(
            "unroll",
            "A row for each answer",
            "Conversations of several turns become rows of one question and one answer. Earlier turns "
            "are not in them; a system prompt is.",
        ),
    }
    if rendered and options.columns != "ids":
        chosen["specials"] = not _switch(
            "no_specials",
            "Without the begin and end token",
            "For trainers whose tokenizer adds its own: otherwise the text would begin with two.",
        )
    if options.columns == "ids":
        chosen["train_on_prompt"] = _switch("train_on_prompt", "Labels on all text, not on answers only")
        if _switch("fit", f"No row over {look.max_length:,} tokens", f"Longer ones: {look.policy}, as chosen above."):
            chosen |= {"max_length": look.max_length, "long_rows": look.policy}
    return replace(options, **chosen)


def _switch(name: str, label: str, help_text: str | None = None) -> bool:
    return st.checkbox(label, key=f"export-{name}", help=help_text, persist_state="session")


def _licence() -> str | None:
    typed = st.text_input(
        "Licence",
        key="export-licence",
        placeholder="cc-by-4.0",
        width=240,
        persist_state="session",
        help="Named in the card (README.md) with counts, template and source.",
    )
    return typed.strip() or None


def _rows_of(info: DatasetInfo, split: str) -> str:
    return f"all {info.rows:,}" if split == ALL else f"{split} · {info.splits[split]:,}"


def _hub(info: DatasetInfo) -> tuple[str, bool]:
    """Where on the Hub to push to; an empty name: nowhere."""
    with st.expander("Push to the Hugging Face Hub", icon=":material/cloud_upload:"):
        if not os.environ.get("HF_TOKEN"):
            st.caption("Needs a token that may write: HF_TOKEN when the studio starts, or `hf auth login` before.")
        name = st.text_input(
            "Dataset on the Hub",
            key="export-push",
            placeholder=f"owner/{info.name}",
            persist_state="session",
            help="Goes there as a file for each split, with a card.",
        )
        public = st.checkbox("Everybody may read it", key="export-public", persist_state="session")
    return name.strip(), public


def _submit(info: DatasetInfo, options: ExportOptions, format_: str, push: str, public: bool) -> None:
    try:
        export_job.submit(info, options, format_, person.name(), push, public)
    except BadSettings as error:
        show("This cannot be exported.", "; ".join(error.faults.values()) + ".")
    except StudioError as error:
        show(error.message, error.hint)
    else:
        st.rerun()


def _newest(job: JobView | None) -> None:
    if job is None:
        st.caption("Rows are written as this version has them; rejected ones are left out, as in training.")
        return
    st.markdown("**Last export**")
    if job.live:
        follow(job.id, "rows")
        return
    if not job.result:
        show_job_error(job.error)
        return
    report = job.result
    left_out = f", {report['left_out']:,} left out" if report["left_out"] else ""
    st.success(f"{counted(report['rows'], 'row')} written{left_out}.", icon=":material/check:")
    for line in report["lines"]:
        st.markdown(f":small[{escape(line)}]")
    if report["pushed"]:
        st.markdown(f":small[On the Hub: {escape(report['pushed'])}]")
    _download(job)


def _download(job: JobView) -> None:
    path = export_job.exported_file(job)
    if path is None:
        st.caption("The file is not there any more: write it again.")
        return
    taken = path.stat().st_size
    if taken <= DOWNLOADED:
        st.download_button(
            f"Download {path.name}", path.read_bytes, path.name, icon=":material/download:", on_click="ignore"
        )
    st.caption(f"{size(taken)}, in {escape(str(path))}")
