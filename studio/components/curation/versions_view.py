"""Versions of a dataset: what each one is, save, compare, restore, branch; and the edits that are not saved yet."""

from __future__ import annotations

import datetime

import streamlit as st

from lib.data import datasets
from lib.data.checks import job as check_job
from lib.data.datasets import DatasetInfo
from lib.data.edits import Entry, WorkingCopy, entries
from lib.data.versions import RowDiff, VersionDiff, branch, diff, restore, unsaved
from lib.data.versions import job as save_job
from lib.errors import StudioError
from lib.jobs import queue
from lib.training import runs
from lib.words import counted
from studio import person, state
from studio.components.conversation_diff import show_conversation_diff
from studio.components.curation import actions
from studio.components.errors import guarded, show
from studio.components.links import link
from studio.components.text import ago, escape, shorten

LONGEST = 120  # characters of a note
DIFF_ROWS = 10
JOURNAL_ROWS = 20
UNSAVED = "unsaved edits"
KINDS = ("changed", "added", "removed")


def show_versions_view(info: DatasetInfo, copy: WorkingCopy) -> None:
    """Draw the view."""
    versions = datasets.versions(info.name)
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.header("Versions", anchor=False)
        views = runs.list_runs()
        for one in reversed(versions):
            used = [view.id for view in views if (view.dataset, view.version) == (one.name, one.version)]
            _version(one, used, is_open=one.version == info.version, is_latest=one is versions[-1])
        _journal(info, copy)
    with right:
        st.header("Compare", anchor=False)
        _compare(info, copy, versions)


def save_button(info: DatasetInfo, copy: WorkingCopy) -> None:
    """The page's action: what was edited becomes a version."""
    waiting = unsaved(info)
    label = f"Save version ({counted(waiting, 'edited row')})" if waiting else "Save version"
    if st.button(
        label,
        type="primary",
        icon=":material/save:",
        disabled=not waiting,
        help="Edits become a new version. The one you started from stays as it is.",
    ):
        _save_dialog(info, waiting)


@st.dialog("Save a version", icon=":material/save:")
def _save_dialog(info: DatasetInfo, waiting: int) -> None:
    st.caption(f"{counted(waiting, 'row')} of {info.ref} changed. Runs name the version that they used.")
    with st.form("save-version", border=False):  # so that Enter saves
        message = st.text_input("What was done", max_chars=500, placeholder="such as: duplicates out, encoding mended")
        asked = st.form_submit_button("Save", type="primary")
    if asked and not message.strip():
        st.error("Say in a few words what was done: it stands in the list of versions.", icon=":material/edit:")
    elif asked:
        st.session_state["saving"] = save_job.submit(info, message.strip(), person.name())
        st.rerun()


def saving(info: DatasetInfo) -> int | None:
    """The job that saves this version; once it has ended the page goes on with the new one."""
    live = save_job.live_job(info)
    mine = st.session_state.get("saving")
    if live is not None or mine is None:
        return live
    job = queue.get(mine)
    if job.payload["dataset"] != info.ref:  # of the dataset that was looked at before
        return None
    del st.session_state["saving"]
    if job.result:
        state.put("dataset", job.result["dataset"])
        _check_as_before(info, datasets.get(job.result["dataset"]))
        st.toast(f"Saved as {escape(job.result['dataset'])}, {job.result['rows']:,} rows.", icon=":material/check:")
        st.rerun()
    if job.error:
        show(job.error["message"], job.error.get("hint", ""))
    return None


def _check_as_before(before: DatasetInfo, saved: DatasetInfo) -> None:
    """Findings belong to a version: whoever had this one checked gets those of the next without asking."""
    last = check_job.newest_job(before)
    if last and last.result and not check_job.newest_job(saved):
        settings = {name: value for name, value in last.payload.items() if name != "dataset"}
        check_job.submit(saved, settings, person.name())


def _version(info: DatasetInfo, used: list[str], is_open: bool, is_latest: bool) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            link("curate", f"**version {info.version}**", icon=None, dataset=info.ref, view="Versions")
            st.markdown(f":small[{counted(info.rows, 'row')} · {escape(_made(info))}]", width="content")
            if is_open:
                st.badge("open", color="blue")
        when = datetime.datetime.fromisoformat(info.created_at).timestamp()
        st.markdown(f":small[:gray[{escape(info.user)}, {ago(when)} · content {info.hash[:12]}]]")
        if used:
            with st.container(horizontal=True, gap="small"):
                st.markdown(":small[used by]", width="content")
                for run in used[:5]:
                    link("runs", run, icon=None, run=run)
        with st.container(horizontal=True):
            if not is_latest and st.button(
                "Restore",
                key=f"restore-{info.version}",
                icon=":material/restore:",
                help="Make this content the newest version",
            ):
                _restore_dialog(info)
            if st.button(
                "Branch a copy",
                key=f"branch-{info.version}",
                icon=":material/fork_right:",
                help="A new dataset that starts with this version",
            ):
                _branch_dialog(info)


def _made(info: DatasetInfo) -> str:
    recipe = info.recipe
    kind = recipe.get("kind")
    if kind == "edits":
        return f"{recipe['message']} ({counted(recipe['edits'], 'edited row')} since version {recipe['base']})"
    if kind == "rows":
        return f"{recipe['message']} ({counted(recipe['rows'], 'row')} added to version {recipe['base']})"
    if kind == "restore":
        return f"{recipe.get('message') or 'restored'} (version {recipe['base']} again)"
    if kind == "branch":
        return f"branched from {recipe['from']}"
    return f"imported from {info.source}"


@st.dialog("Restore a version", icon=":material/restore:")
def _restore_dialog(info: DatasetInfo) -> None:
    st.caption(f"The content of version {info.version} becomes the newest version. No version is lost.")
    message = st.text_input("Why", max_chars=500, placeholder="such as: the split was better before")
    latest = datasets.get(info.name)
    waiting = unsaved(latest)
    aside = bool(waiting) and st.checkbox(f"Leave {counted(waiting, 'unsaved edited row')} of {latest.ref} behind")
    if st.button("Restore", type="primary", disabled=not message.strip() or (bool(waiting) and not aside)):
        try:
            new = restore(info.name, info.version, message.strip(), person.name(), discard=aside)
        except StudioError as error:
            show(error.message, error.hint)
            return
        state.put("dataset", new.ref)
        st.rerun()


@st.dialog("Branch a copy", icon=":material/fork_right:")
def _branch_dialog(info: DatasetInfo) -> None:
    st.caption(f"A new dataset whose first version is {info.ref}. Unsaved edits are not taken along.")
    name = st.text_input("Name of the new dataset", max_chars=64, value=f"{info.name}-branch")
    if st.button("Branch", type="primary", disabled=not name.strip()):
        try:
            new = branch(info.ref, name.strip(), person.name())
        except StudioError as error:
            show(error.message, error.hint)
            return
        state.put("dataset", new.ref)
        st.rerun()


def _journal(info: DatasetInfo, copy: WorkingCopy) -> None:
    """What was done to the open version, newest first."""
    found = entries(info, JOURNAL_ROWS)
    if not found:
        return
    st.header("Edits of this version", anchor=False)
    st.caption("Newest first; undoing one is an edit of its own, so nothing is ever lost.")
    latest = {entry.reverts: entry.action for entry in reversed(found) if entry.reverts is not None}
    for entry in found:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(
                f":small[**{escape(entry.who)}** {escape(_what(entry))} :gray[{ago(entry.at)}]]", width="content"
            )
            if copy.saved_as is None and entry.action not in ("undo", "redo") and latest.get(entry.seq) != "undo":
                st.button(
                    "Undo",
                    key=f"journal-undo-{entry.seq}",
                    type="tertiary",
                    on_click=actions.undo_entry,
                    args=(info, entry.seq),
                )


def _what(entry: Entry) -> str:
    where = f"row {entry.row_id}" if entry.row_id is not None else counted(entry.rows, "row")
    return f"{where}: {entry.what}"


def _compare(info: DatasetInfo, copy: WorkingCopy, versions: list[DatasetInfo]) -> None:
    names = [f"version {one.version}" for one in versions]
    open_unsaved = copy.touched and copy.saved_as is None
    sides = [*names, UNSAVED] if open_unsaved else names
    if len(sides) < 2:
        st.caption("There is one version and no edit yet: nothing to compare. Edit a row, then come back.")
        return
    with st.container(horizontal=True):
        before = st.selectbox("From", names, index=_default_left(info, names, open_unsaved), key=f"from-{info.ref}")
        after = st.selectbox("To", sides, index=len(sides) - 1, key=f"to-{info.ref}")
    left = versions[names.index(before)]
    right: DatasetInfo | WorkingCopy = copy if after == UNSAVED else versions[names.index(after)]
    try:
        found = diff(left, right)
    except StudioError as error:
        show(error.message, error.hint)
        return
    _figures(found)
    _differences(found, f"{before}-{after}")


def _default_left(info: DatasetInfo, names: list[str], open_unsaved: bool) -> int:
    return names.index(f"version {info.version}") if open_unsaved else max(len(names) - 2, 0)


def _figures(found: VersionDiff) -> None:
    with st.container(horizontal=True):
        for kind in (*KINDS, "unchanged"):
            st.metric(kind.capitalize(), f"{getattr(found, kind):,}", border=True, width=130)
    parts = [f"{name} {count:,}" for name, count in found.fields.items() if count]
    parts += [f"column {name} is new" for name in found.columns_added]
    parts += [f"column {name} is gone" for name in found.columns_removed]
    if parts:
        st.caption(escape(f"Of the changed rows: {', '.join(parts)}."))


@st.fragment
@guarded
def _differences(found: VersionDiff, key: str) -> None:
    kinds = [kind for kind in KINDS if getattr(found, kind)]
    if not kinds:
        st.success("No row differs.", icon=":material/check:")
        return
    fields = [name for name, count in found.fields.items() if 0 < count < found.changed]
    kind = st.segmented_control(
        "Show",
        [*kinds, *fields],
        default=kinds[0],
        required=True,
        key=f"diff-kind-{key}",
        format_func=lambda one: one if one in kinds else f"changed {one}",
    )
    total = getattr(found, kind) if kind in kinds else found.fields[kind]
    pages = max(-(-total // DIFF_ROWS), 1)
    pager = f"diff-page-{key}-{kind}"
    offset = (st.session_state.get(pager, 1) - 1) * DIFF_ROWS
    for row in found.rows(kind, DIFF_ROWS, offset):
        with st.container(border=True):
            _row(row, key)
    if pages > 1:
        st.pagination(pages, key=pager)


def _plain(value: object) -> str:
    """A value of a row's state, as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    return shorten(text, LONGEST) or "none"


def _row(row: RowDiff, key: str) -> None:
    fields = ", ".join(f"{name}: {_plain(before)} → {_plain(after)}" for name, (before, after) in row.fields.items())
    st.markdown(f":small[:gray[row {row.row_id}] {escape(fields)}]")
    if row.before != row.after:
        show_conversation_diff(row.before, row.after, key=f"diff-{key}-{row.row_id}")
