"""One row: its turns, what the checks say, tags and note, who changed what; and the buttons of the review."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from functools import partial
from typing import Literal

import streamlit as st

from lib.data import datasets
from lib.data.checks import CHECKS, results
from lib.data.checks.mends import propose
from lib.data.datasets import DatasetInfo
from lib.data.edits import Entry, WorkingCopy, history
from lib.data.edits.operations import Operation
from lib.data.filters import Condition, Query
from lib.data.mapping.reading import read_conversation
from lib.data.table import TableRow
from lib.errors import BadInput, StudioError
from lib.records import Conversation
from studio import cache, state, table_state
from studio.components.conversation import show_conversation
from studio.components.curation import actions, editor, sides
from studio.components.curation.actions import Spot
from studio.components.curation.checks_view import GROUPED
from studio.components.text import escape, template_words
from studio.components.text_diff import show_diff

Colour = Literal["gray", "green", "red"]
Step = Callable[[int, int], Spot | None]
JUDGEMENTS = {
    "accepted": ("Accept", "A", ":material/check:", "Read and good. It is trained on, as are rows nobody has judged."),
    "rejected": ("Reject", "X", ":material/close:", "Not to be trained on. The row stays in the dataset."),
}
STATUS: dict[str, tuple[Colour, str]] = {
    "pending": ("gray", ":material/radio_button_unchecked:"),
    "accepted": ("green", ":material/check:"),
    "rejected": ("red", ":material/close:"),
}


def show_row(info: DatasetInfo, copy: WorkingCopy, row: TableRow, step: Step) -> None:
    """Draw the open row. `step` says where the row so many places on from another is; None: the list ends."""
    try:
        conversation, fault = read_conversation(row.values, copy.mapping), ""
    except BadInput as error:
        conversation, fault = None, error.message
    _title(row)
    under_way = editor.draft(info, row.row_id)
    _buttons(info, row, conversation, step, copy.saved_as is not None, under_way is not None)
    found = actions.clash(info, row.row_id)
    if found:
        sides.show_sides(info, copy, row, found)
    elif under_way:
        editor.show_editor(info, under_way)
    elif conversation is None:
        st.warning(escape(fault), icon=":material/error:")
    else:
        show_conversation(conversation, narrow=True)
        _length(conversation)
    if conversation is not None and not under_way:
        _checks(info, row, conversation, closed=copy.saved_as is not None)
    if copy.saved_as is None:
        _labels(info, row)
    _other_columns(copy, row)
    _history(info, row)


def _length(conversation: Conversation) -> None:
    """How many tokens the row is for the model whose tokens are counted, in the template in hand."""
    model, template = table_state.tokenizer(), state.get("template") or "llama2"
    if not model:
        return
    try:
        tokens = len(cache.tokenizer(model).encode_conversation(conversation, template))
    except StudioError as error:
        st.caption(f":material/warning: not as {escape(template_words(template))}: {escape(error.message)}")
        return
    st.caption(f"as {escape(template_words(template))} for {escape(model)}: {tokens:,} tokens")


def _title(row: TableRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="row-title"):
        st.markdown(f"**Row {row.row_id}**", width="content")
        colour, icon = STATUS[row.state.status]
        said = "rejected: not trained on" if row.state.status == "rejected" else row.state.status
        st.badge(said, color=colour, icon=icon)
        st.badge(row.state.split, color="blue", help="The split that the row is in")
        if row.state.deleted:
            st.badge("deleted", color="orange", icon=":material/delete:", help="Left out when a version is saved.")
        for tag in row.state.tags:
            st.badge(escape(tag), color="violet", icon=":material/sell:")


def _buttons(
    info: DatasetInfo, row: TableRow, conversation: Conversation | None, step: Step, closed: bool, editing: bool
) -> None:
    after, before = step(row.row_id, 1), step(row.row_id, -1)
    change = partial(actions.change_row, info, row)
    fixed = closed or editing  # what was typed has to be saved or left first
    with st.container(horizontal=True, gap="small", key="row-buttons"):
        st.button("Previous", shortcut="K", disabled=before is None, on_click=_walk, args=(info, row, step, -1))
        st.button("Next", shortcut="J", disabled=after is None, on_click=_walk, args=(info, row, step, 1))
        for status, (label, key, icon, about) in JUDGEMENTS.items():
            st.button(
                label,
                shortcut=key,
                icon=icon,
                help=about,
                disabled=fixed,
                on_click=change,
                args=(after,),
                kwargs={"status": status},
            )
        st.button(
            "Edit",
            shortcut="E",
            icon=":material/edit:",
            disabled=fixed or conversation is None,
            on_click=editor.begin,
            args=(info, row, conversation),
        )
        st.button(
            "Restore" if row.state.deleted else "Delete",
            shortcut="D",
            icon=":material/delete:",
            disabled=fixed,
            on_click=change,
            args=(None,),
            kwargs={"deleted": not row.state.deleted},
        )


def _walk(info: DatasetInfo, row: TableRow, step: Step, places: int) -> None:
    """Go on from where the person is now: keys may be pressed faster than the page is drawn."""
    spot = step(table_state.shown(info.ref).row or row.row_id, places)
    if spot is not None:
        table_state.open_row(info.ref, *spot)


def _checks(info: DatasetInfo, row: TableRow, conversation: Conversation, closed: bool) -> None:
    for name in row.flags:
        check = CHECKS.get(name)
        if check is None:
            continue
        mend = None if closed or row.state.deleted else propose(name, conversation)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            icon = ":material/error:" if check.severity == "fault" else ":material/help:"
            colour: Literal["red", "orange"] = "red" if check.severity == "fault" else "orange"
            st.badge(check.label, color=colour, icon=icon, help=f"{check.explanation} {check.remedy}")
            if mend is not None:
                only = Query((Condition("row", "any", str(row.row_id)),))
                st.button(
                    escape(mend.label),
                    key=f"mend-{row.row_id}-{name}",
                    icon=":material/build:",
                    on_click=actions.change_many,
                    args=(info, only, Operation("mend", name), 1),
                )
            if name in GROUPED:
                _like(info, row.row_id, name)


def _like(info: DatasetInfo, row_id: int, check: str) -> None:
    """What the check said of this row, and the way to the row that it is like."""
    found = results.findings_of(info, check, [row_id]).get(row_id)
    if found is None:
        return
    st.markdown(f":small[{escape(found.detail)}]", width="content")
    if found.group is not None and found.group != row_id:
        st.button(
            f"Open row {found.group}",
            key=f"like-{row_id}-{check}",
            type="tertiary",
            on_click=table_state.open_row,
            args=(info.ref, found.group),
        )


def _labels(info: DatasetInfo, row: TableRow) -> None:
    """Tags and note; saved when the field is left."""
    tags, note = f"tags-{info.ref}-{row.row_id}-{row.state.seq}", f"note-{info.ref}-{row.row_id}-{row.state.seq}"

    def tagged() -> None:
        actions.change_row(info, row, None, tags=[tag for tag in st.session_state[tags] if tag.strip()])

    def noted() -> None:
        actions.change_row(info, row, None, note=st.session_state[note].strip())

    left, right = st.columns(2)
    with left, st.container(key="row-tags"):
        st.multiselect(
            "Tags",
            list(row.state.tags),
            list(row.state.tags),
            key=tags,
            accept_new_options=True,
            on_change=tagged,
            placeholder="add a tag",
        )
    with right, st.container(key="row-note"):
        st.text_input("Note", row.state.note, key=note, on_change=noted, placeholder="for whoever looks next")


def _other_columns(copy: WorkingCopy, row: TableRow) -> None:
    mapped = set(copy.mapping.columns.values())
    others = {name: value for name, value in row.values.items() if name not in mapped}
    if others:
        with st.expander(f"Other columns ({len(others)})"):
            for name, value in list(others.items())[:50]:
                st.text(f"{name}: {value}")


def _history(info: DatasetInfo, row: TableRow) -> None:
    entries = history(info, row.row_id) if row.state.seq else []
    if not entries:
        return
    with st.expander(f"History ({len(entries)})", icon=":material/history:"):
        for entry in entries:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                when = datetime.datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M:%S")
                st.markdown(f":small[**{escape(entry.who)}** {escape(entry.what)} :gray[{when}]]", width="content")
                if entry.version == info.version and entry.action not in ("undo", "redo"):
                    st.button(
                        "Undo this",
                        key=f"undo-{entry.version}-{entry.seq}",
                        type="tertiary",
                        on_click=actions.undo_entry,
                        args=(info, entry.seq),
                    )
            _before_and_after(info, entry, row.row_id)


def _before_and_after(info: DatasetInfo, entry: Entry, row_id: int) -> None:
    if entry.before is None or entry.after is None or entry.before.values == entry.after.values:
        return
    saved = datasets.row(datasets.get(f"{info.name}@{entry.version}"), row_id)
    for name in sorted({*entry.before.values, *entry.after.values}):
        old, new = (_text(state.values.get(name, saved.get(name))) for state in (entry.before, entry.after))
        if old != new:
            show_diff(old, new, key=f"history-{entry.version}-{entry.seq}-{name}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
