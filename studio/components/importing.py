"""Import on screen: a source, how its columns are read, a preview, and the job with its report."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.data.imports import job as import_job
from lib.data.imports.importer import TEST_FRACTION
from lib.data.imports.inspection import Inspection, inspect_source
from lib.data.info import REFUSED
from lib.data.mapping import Mapping
from lib.data.mapping.roles import ROLES
from lib.errors import StudioError
from lib.jobs import queue
from lib.settings import settings
from lib.storage import job_dir, suggest_name
from lib.words import counted
from studio import cache, person
from studio.components.conversation import show_conversation
from studio.components.errors import guarded, show, show_job_error
from studio.components.job import follow
from studio.components.links import go
from studio.components.refusals import show_refusals
from studio.components.text import escape
from studio.components.uploads import kept

ENDINGS = ["json", "jsonl", "ndjson", "csv", "tsv", "parquet", "arrow", "gz", "zst"]
JOB = "import-job"
HUB_LOOK = "hub-look"
HUB_SECONDS = 0.5  # an answer within that needs no waiting on screen
LOOKING = ThreadPoolExecutor(2, "hub-look")
NOT_USED = "—"
NOTES_SHOWN = 8
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
        hub = st.session_state["import-kind"] == "Hub"
        found = _hub_inspection(source) if hub else cache.inspection(source, None)
        if found is not None:
            _form(source, name, found)
    except StudioError as error:
        show(error.message, error.hint)


def _hub_inspection(source: str) -> Inspection | None:
    """The first rows of a Hub data set, looked up in a thread; None while that goes on or after it was given up.

    Raises:
        StudioError: the Hub or the data set cannot be reached; asking again tries again.
    """
    asked, look = st.session_state.get(HUB_LOOK, ("", None))
    if asked != source:
        look = LOOKING.submit(inspect_source, source)
        st.session_state[HUB_LOOK] = (source, look)
    if look is None:
        if st.button("Look it up again", icon=":material/refresh:"):
            del st.session_state[HUB_LOOK]
            st.rerun()
        return None
    wait([look], HUB_SECONDS)
    if not look.done():
        _waiting(source, look)
        return None
    if look.exception() is not None:
        del st.session_state[HUB_LOOK]
    return look.result()


@st.fragment(run_every="1s")
@guarded
def _waiting(source: str, look: Future[Inspection]) -> None:
    if look.done():
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f":material/cloud_download: Asking the Hub for the first rows of {escape(source)} …")
        if st.button("Give up"):
            st.session_state[HUB_LOOK] = (source, None)
            st.rerun()


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
                "Path",
                key="import-path",
                placeholder="/data/questions.jsonl",
                help="A file, a folder of files, or a data set saved with save_to_disk, on this machine.",
            )
            return text.strip(), suggest_name(Path(text.strip()).name.split(".")[0])
        text = st.text_input(
            "Hub id",
            key="import-hub",
            placeholder="owner/name",
            help="A dataset on the Hugging Face Hub (needs the network): owner/name, or owner/name@revision:split.",
        )
        return text.strip(), suggest_name(text.strip().split("/")[-1])


def _upload() -> tuple[str, str]:
    """Save an uploaded file once; later reruns find it where it is."""
    file = st.file_uploader(
        "File", ENDINGS, key="import-file", help=f"{', '.join(ENDINGS)}; up to {settings.upload_limit_mb:,} MB."
    )
    if file is None:
        st.caption(
            "JSON, JSON Lines, CSV, Parquet or Arrow: Alpaca, ShareGPT, OpenAssistant, chat, question and answer …"
        )
        return "", ""
    stem = Path(file.name).name.split(".")[0]
    ending = "".join(suffix for suffix in Path(file.name).suffixes[-2:] if suffix.lstrip(".") in ENDINGS)
    return kept(file, stem, ending), suggest_name(stem)


def _form(source: str, name: str, found: Inspection) -> None:
    recognition = found.recognition
    with st.container(border=True):
        if recognition.mapping:
            st.markdown(
                f":material/check_circle: Recognised as **{escape(recognition.label)}** · "
                f"{_read(recognition.confidence, len(found.sample))}"
            )
        notice = st.empty()
        for note in found.notes[:NOTES_SHOWN]:
            st.caption(f":material/info: {escape(note)}")
        if len(found.notes) > NOTES_SHOWN:
            st.caption(f":material/info: and {counted(len(found.notes) - NOTES_SHOWN, 'more note')}")
        mapping = _mapping(found)
        complete = _is_complete(mapping)
        if not complete:
            notice.warning(
                "The columns are not recognised. Say which one holds the question and which the answer.",
                icon=":material/help:",
            )
        elif mapping != recognition.mapping:
            found = cache.inspection(source, mapping)
        left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
        chosen = left.text_input("Name", value=name, key=f"import-name-{source}", help="Lower-case letters, digits, -")
        share = _test_share(middle, mapping["split"])
        with right:
            if st.button("Import", type="primary", icon=":material/download:", disabled=not complete):
                # A mapping as recognised is not passed on, so that the report names the shape and not a hand.
                by_hand = None if mapping == recognition.mapping else mapping.to_dict()
                st.session_state[JOB] = import_job.submit(source, chosen, person.name(), by_hand, share)
                st.rerun()
        if complete:
            _preview(found)


def _read(share: float, looked_at: int) -> str:
    """How much of the beginning could be read that way."""
    which = "All" if share == 1 else f"{share:.0%}"
    return f"{which} of the first {counted(looked_at, 'row')} can be read so"


def _test_share(place: DeltaGenerator, split_column: str | None) -> float:
    """The share of the questions, 0 to 1, that no model is to learn from."""
    percent = place.number_input(
        "Held out for test, about %",
        min_value=0,
        max_value=90,
        value=round(TEST_FRACTION * 100),
        step=5,
        key="import-test-share",
        disabled=bool(split_column),
        help="Drawn by the text of the question, so that equal questions fall on one side; of few rows it comes out a "
        "little more or less."
        if not split_column
        else "A column says which split a row is in.",
    )
    return percent / 100


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


def _show_job(job_id: int) -> None:
    job = queue.get(job_id)
    if job.live:
        with st.container(border=True):
            st.markdown(f"Importing **{escape(job.payload['name'])}**")
            follow(job_id, "rows")
        return
    if job.status == "finished" and job.result:
        del st.session_state[JOB]
        st.toast(f"Imported {counted(job.result['rows'], 'row')}.", icon=":material/check:")
        go("datasets", dataset=job.result["name"])
    report = (job.error or {}).get("report")
    if not report:
        show_job_error(job.error)
    else:
        kept = counted(report["rows"], "good row")
        show((job.error or {})["message"], f"Nothing was imported. Mend the file and start over, or keep the {kept}.")
        show_refusals(job_dir(job_id) / REFUSED, report["reasons"], report["name"])
    with st.container(horizontal=True):
        if report and report["rows"] and st.button(f"Import the {counted(report['rows'], 'good row')}", type="primary"):
            st.session_state[JOB] = import_job.submit(**{**job.payload, "keep_good": True})
            st.rerun()
        if st.button("Start over"):
            del st.session_state[JOB]
            st.rerun()
