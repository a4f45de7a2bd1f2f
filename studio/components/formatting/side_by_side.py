"""The same row in two templates, with what differs marked."""

from __future__ import annotations

import streamlit as st

from lib.data.versions.text_diff import words
from lib.errors import StudioError
from lib.formats import Segment, template_names, text_of
from lib.formats.text_view import Range
from lib.records import Conversation
from studio.components import choose
from studio.components.formatting.look import Look
from studio.components.segments import legend, show_segments
from studio.components.text import escape

MAX_CHARS = 200_000  # of one text, beyond which differences are not looked for


def show_side_by_side(look: Look, conversation: Conversation, key: str) -> None:
    """The chosen template on the left, another one on the right."""
    others = [name for name in template_names() if name != look.template]
    default = "model" if look.tokenizer and look.tokenizer.chat and "model" in others else others[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        legend()
        other = choose.select("other", "Beside it", others, default, help="Differences are framed in both.", width=320)
    left, right = _rendered(look, conversation, look.template), _rendered(look, conversation, other)
    marked: tuple[list[Range], list[Range]] = ([], [])
    if not isinstance(left, StudioError) and not isinstance(right, StudioError):
        marked = differences(text_of(left), text_of(right))
    for column, name, segments, changed in zip(
        st.columns(2, gap="small"), (look.template, other), (left, right), marked, strict=True
    ):
        with column:
            if isinstance(segments, StudioError):
                st.markdown(f"**{escape(name)}**")
                st.warning(f"{escape(segments.message)} {escape(segments.hint)}", icon=":material/block:")
                continue
            st.markdown(f"**{escape(name)}** :small[:gray[{_counts(look, segments)}]]")
            show_segments(segments, key=f"side-{name}-{key}", changed=changed)


def differences(left: str, right: str) -> tuple[list[Range], list[Range]]:
    """Where two texts differ, word by word, as stretches of each; nothing for texts too long to compare on screen."""
    found: tuple[list[Range], list[Range]] = ([], [])
    if max(len(left), len(right)) > MAX_CHARS:
        return found
    places = [0, 0]
    for piece in words(left, right):
        for side, kind in enumerate(("removed", "added")):
            if piece.kind in ("same", kind):
                start, places[side] = places[side], places[side] + len(piece.text)
                if piece.kind == kind:
                    found[side].append((start, places[side]))
    return found


def _rendered(look: Look, conversation: Conversation, template: str) -> list[Segment] | StudioError:
    try:
        return look.render(conversation, template)
    except StudioError as error:
        return error


def _counts(look: Look, segments: list[Segment]) -> str:
    if look.tokenizer is None:
        return f"{len(text_of(segments)):,} characters"
    tokens = look.tokenizer.tokenize(segments)
    answer = sum(tokens.trained)
    return f"prompt {len(tokens) - answer:,} · answer {answer:,} · total {len(tokens):,} tokens"
