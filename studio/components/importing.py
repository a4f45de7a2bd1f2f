"""Import on screen: a source, how its columns are read, a preview, and the job with its report."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any

import streamlit as st

from lib.data.inspection import Inspection
from lib.data.mapping import Mapping
from lib.data.roles import ROLES
from lib.errors import StudioError
from lib.jobs import queue
from lib.settings import settings
from lib.storage import disk_errors, suggest_name, uploads_dir
from lib.words import counted
from studio import cache
from studio.components import dataset_view
from studio.components.conversation import show_conversation
from studio.components.errors import show, show_job_error
from studio.components.job import follow
from studio.components.links import go
from studio.components.text import escape

ENDINGS = ["json", "jsonl", "ndjson", "csv", "tsv", "parquet", "arrow", "gz"]
JOB = "import-job"
NOT_USED = "—"
ROLE_LABELS = {"user": "user: the question", "assistant": "assistant: the answer", "context": "context: input"}


def panel() -> None:
    """The whole import; a running or failed one comes first."""
    job_id = st.session_state.get(JOB)
    if job_id:
        _show_job(job_id)
        return
    source, name = _source()
    if not source:
        return
    try:
        _form(source, name, cache.inspection(source, None))
    except StudioError as error:
        show(error.message, error.hint)


def _source() -> tuple[str, str]:
    """Where the data comes from, and a name for it."""
    with st.container(border=True):
        kind = st.segmented_control(
            "Import from", ["Upload", "Path", "Hub"], default="Upload", required=True, key="import-kind"
        )
        if kind == "Upload":
            return _upload()
        if kind == "Path":
            text = st.text_input(
                "Path", key="import-path", placeholder="/data/questions.jsonl", help="A file or folder on this machine."
            )
            return text.strip(), suggest_name(Path(text.strip()).name.split(".")[0])
        text = st.text_input(
            "Hub id",
            key="import-hub",
            placeholder="owner/name",
            help="A dataset on the Hugging Face Hub (needs the network); owner/name:split for one split.",
        )
        return text.strip(), suggest_name(text.strip().split("/")[-1])


def _upload() -> tuple[str, str]:
    """Save an uploaded file once; later reruns find it where it is."""
    file = st.file_uploader(
        "File", ENDINGS, key="import-file", help=f"{', '.join(ENDINGS)}; up to {settings.upload_limit_mb:,} MB."
    )
    if file is None:
        st.caption("JSON, JSON Lines, CSV, Parquet or Arrow: Alpaca, ShareGPT, chat messages, question and answer …")
        return "", ""
    saved: dict[str, str] = st.session_state.setdefault("uploads", {})
    if file.file_id not in saved:
        # The browser's name for the file is only shown; on disk it keeps nothing but a known ending.
        ending = "".join(suffix for suffix in Path(file.name).suffixes[-2:] if suffix.lstrip(".") in ENDINGS)
        target = uploads_dir() / uuid.uuid4().hex / f"{suggest_name(Path(file.name).name.split('.')[0])}{ending}"
        with disk_errors(target):
            target.parent.mkdir(parents=True)
            with target.open("wb") as out:
                shutil.copyfileobj(file, out)
        saved[file.file_id] = str(target)
    return saved[file.file_id], suggest_name(Path(file.name).name.split(".")[0])


def _form(source: str, name: str, found: Inspection) -> None:
    recognition = found.recognition
    with st.container(border=True):
        if recognition.mapping:
            st.markdown(
                f":material/check_circle: Recognised as **{escape(recognition.label)}** · "
                f"{recognition.confidence:.0%} of the first {len(found.sample):,} rows read"
            )
        notice = st.empty()
        for note in found.notes:
            st.caption(f":material/info: {escape(note)}")
        mapping = _mapping(found)
        complete = _is_complete(mapping)
        if not complete:
            notice.warning(
                "The columns are not recognised. Say which one holds the question and which the answer.",
                icon=":material/help:",
            )
        elif mapping != recognition.mapping:
            found = cache.inspection(source, mapping)
        if complete:
            _preview(found)
        left, right = st.columns([2, 3], vertical_alignment="bottom")
        chosen = left.text_input("Name", value=name, key=f"import-name-{source}", help="Lower-case letters, digits, -")
        with right:
            if st.button("Import", type="primary", icon=":material/download:", disabled=not complete):
                # A mapping as recognised is not passed on, so that the report names the shape and not a hand.
                _submit(source, chosen, None if mapping == recognition.mapping else mapping, keep_good=False)


def _mapping(found: Inspection) -> Mapping:
    """Which column is what, with example values, to correct by hand."""
    recognised = found.recognition.mapping
    names = [column.name for column in found.columns]
    with st.expander("Columns: correct how they are read", expanded=not recognised, icon=":material/view_column:"):
        examples = [
            {"column": column.name, **{f"example {n}": text for n, text in enumerate(column.examples, 1)}}
            for column in found.columns
        ]
        st.dataframe(examples, hide_index=True, alt="Columns with example values")
        chosen: dict[str, str] = {}
        for role, box in zip(ROLES, _cells(len(ROLES)), strict=True):
            current = recognised[role]
            options = [NOT_USED, *names]
            column = box.selectbox(
                ROLE_LABELS.get(role, role),
                options,
                index=options.index(current) if current in options else 0,
                key=f"map-{found.source}-{role}",
                help=ROLES[role],
            )
            if column != NOT_USED:
                chosen[role] = column
    return Mapping(chosen)


def _is_complete(mapping: Mapping) -> bool:
    """Enough to read a conversation: question and answer, or one column that holds the whole of it."""
    return bool(mapping["user"] and mapping["assistant"]) or any(
        mapping[role] for role in ("messages", "text", "chosen")
    )


def _cells(count: int, across: int = 4) -> list[Any]:
    return [cell for _ in range(-(-count // across)) for cell in st.columns(across)][:count]


def _preview(found: Inspection) -> None:
    if found.refusals:
        first = found.refusals[0]
        st.warning(
            f"{counted(len(found.refusals), 'row')} of those looked at cannot be read; "
            f"row {first.row}: {escape(first.reason)}.",
            icon=":material/block:",
        )
    if not found.preview:
        return
    with st.expander(
        f"Preview: the first {counted(min(len(found.preview), 5), 'row')} as conversations", expanded=True
    ):
        for conversation in found.preview[:5]:
            with st.container(border=True):
                show_conversation(conversation)


def _submit(source: str, name: str, mapping: Mapping | None, keep_good: bool) -> None:
    payload = {
        "source": source,
        "name": name,
        "mapping": mapping.to_dict() if mapping else None,
        "keep_good": keep_good,
        "user": settings.user,
    }
    st.session_state[JOB] = queue.submit("import", payload, settings.user)
    st.rerun()


def _show_job(job_id: int) -> None:
    job = queue.get(job_id)
    if job.live:
        with st.container(border=True):
            st.markdown(f"Importing **{escape(job.payload['name'])}**")
            follow(job_id, "rows")
        return
    if job.status == "finished" and job.result:
        del st.session_state[JOB]
        go("datasets", dataset=job.result["name"])
    report = (job.error or {}).get("report")
    if not report:
        show_job_error(job.error)
    else:
        kept = counted(report["kept"], "good row")
        show((job.error or {})["message"], f"Nothing was imported. Mend the file and start over, or keep the {kept}.")
        dataset_view.show_refusals(report["refusals"], report["name"])
    with st.container(horizontal=True):
        if report and report["kept"] and st.button(f"Import the {counted(report['kept'], 'good row')}", type="primary"):
            payload = job.payload
            mapping = Mapping.from_dict(payload["mapping"]) if payload["mapping"] else None
            _submit(payload["source"], payload["name"], mapping, keep_good=True)
        if st.button("Start over"):
            del st.session_state[JOB]
            st.rerun()
