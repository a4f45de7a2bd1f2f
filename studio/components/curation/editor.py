"""A row's turns as fields: change the text and the roles, cut a turn in two, put two together, take out, add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from lib.data.datasets import DatasetInfo
from lib.data.edits import Conflict
from lib.data.edits.conversations import edit_conversation
from lib.data.mapping import turns
from lib.data.table import TableRow
from lib.errors import BadInput, StudioError
from lib.records import ROLES, Conversation, Message
from studio import person, table_state
from studio.components.curation import actions
from studio.components.text import escape, shorten

_SLOT = "edits-begun"
LINE = 70  # characters of a line that are shown where a turn is to be cut


@dataclass
class Draft:
    """The edit that a person has begun, on version `seq` of the row.

    `messages` are what the fields started with, `typed` what they held when they were last drawn: so nothing typed is
    lost when the person looks at another row in between. `turn` numbers the states of the fields.
    """

    dataset: str
    row_id: int
    seq: int
    messages: list[Message]
    typed: list[Message]
    turn: int = 0
    fault: str = ""


def draft(info: DatasetInfo, row_id: int) -> Draft | None:
    """The edit of this row that is under way in this session."""
    found: Draft | None = _begun().get((info.ref, row_id))
    return found


def _begun() -> dict[tuple[str, int], Draft]:
    begun: dict[tuple[str, int], Draft] = st.session_state.setdefault(_SLOT, {})
    return begun


def begin(info: DatasetInfo, row: TableRow, conversation: Conversation) -> None:
    """Open the fields. The row stays open once saved, also where it then no longer matches what is looked for."""
    table_state.open_row(info.ref, row.row_id)
    messages = list(conversation.messages)
    _begun()[info.ref, row.row_id] = Draft(info.ref, row.row_id, row.state.seq, messages, messages)


def leave(edit: Draft) -> None:
    """Close the fields and forget what was typed."""
    _begun().pop((edit.dataset, edit.row_id), None)


def show_editor(info: DatasetInfo, edit: Draft) -> None:
    """Draw the fields of an edit under way."""
    if _key(edit, 0, "text") not in st.session_state:  # the person comes back to it
        edit.messages = edit.typed
        edit.turn += 1
    for number, message in enumerate(edit.messages):
        with st.container(border=True):
            _turn(edit, number, message)
    if edit.fault:
        st.error(escape(edit.fault), icon=":material/error:")
    with st.container(horizontal=True):
        st.button(
            "Save edit",
            type="primary",
            icon=":material/save:",
            shortcut="Ctrl+Enter",
            on_click=_save,
            args=(info, edit),
        )
        st.button("Cancel", on_click=leave, args=(edit,), help="Forget what was typed")
        st.button("Add a turn", icon=":material/add:", on_click=_rearrange, args=(edit, turns.add_turn))
    edit.typed = _typed(edit)


def _turn(edit: Draft, number: int, message: Message) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            f"Role of turn {number + 1}", ROLES, ROLES.index(message.role), key=_key(edit, number, "role"), width=140
        )
        lines = _typed(edit)[number].content.split("\n")
        if len(lines) > 1:
            with st.popover("Cut", icon=":material/content_cut:", help="Make two turns of this one"):
                line = st.selectbox(
                    "The second turn starts at",
                    range(1, len(lines)),
                    format_func=lambda at: shorten(lines[at], LINE) or "(empty line)",
                    key=_key(edit, number, "line"),
                )
                st.button(
                    "Cut here",
                    key=_key(edit, number, "cut"),
                    on_click=_rearrange,
                    args=(edit, lambda messages: turns.split_turn(messages, number, line)),
                )
        if number + 1 < len(edit.messages):
            st.button(
                "Merge with next",
                icon=":material/merge:",
                key=_key(edit, number, "merge"),
                on_click=_rearrange,
                args=(edit, lambda messages: turns.merge_turns(messages, number)),
            )
        if len(edit.messages) > 1:
            st.button(
                "Remove",
                icon=":material/remove:",
                key=_key(edit, number, "drop"),
                on_click=_rearrange,
                args=(edit, lambda messages: turns.drop_turn(messages, number)),
            )
    st.text_area(f"Text of turn {number + 1}", message.content, key=_key(edit, number, "text"), height=_height(message))
    if message.role == "user":
        st.text_area(
            "Input (material that the question is about; may be empty)",
            message.context,
            key=_key(edit, number, "context"),
            height=68,
        )


def _height(message: Message) -> int:
    return min(max(68, 24 * (message.content.count("\n") + len(message.content) // 60 + 2)), 400)


def _key(edit: Draft, number: int, what: str) -> str:
    return f"edit-{edit.dataset}-{edit.row_id}-{edit.turn}-{number}-{what}"


def _typed(edit: Draft) -> list[Message]:
    """The messages as the fields have them now."""
    found = []
    for number, message in enumerate(edit.messages):
        values = {
            what: st.session_state.get(_key(edit, number, what), default)
            for what, default in (("role", message.role), ("text", message.content), ("context", message.context))
        }
        context = values["context"] if values["role"] == "user" else ""
        found.append(replace(message, role=values["role"], content=values["text"], context=context))
    return found


def _rearrange(edit: Draft, change: Callable[[Sequence[Message]], list[Message]]) -> None:
    try:
        edit.messages, edit.fault = change(_typed(edit)), ""
    except BadInput as error:
        edit.messages, edit.fault = _typed(edit), str(error)
    edit.typed = edit.messages
    edit.turn += 1


def _save(info: DatasetInfo, edit: Draft) -> None:
    messages = _typed(edit)
    try:
        conversation = Conversation(tuple(messages))
        edit_conversation(info, edit.row_id, edit.seq, person.name(), conversation)
    except Conflict as conflict:
        actions.keep_for_choice(info, edit.row_id, {"conversation": conversation}, conflict)
        leave(edit)
    except StudioError as error:
        edit.messages, edit.typed, edit.fault = messages, messages, str(error)
        edit.turn += 1
    else:
        st.toast(f"Row {edit.row_id} saved. Undo takes it back.", icon=":material/check:")
        leave(edit)
