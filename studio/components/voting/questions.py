"""The questions of a closed vote: what was said of each, what people wrote, and both answers with their names."""

from __future__ import annotations

import streamlit as st

from lib.evaluation import votes
from lib.evaluation.votes import PromptVotes, Results
from lib.words import counted
from studio.components.errors import guarded
from studio.components.text import escape, shorten
from studio.components.voting.answers import show_answers

WORDS = {"both_bad": "both bad", None: "–"}


def show_questions(found: Results) -> None:
    """A line a question, then the comments, then the answers."""
    st.dataframe([_row(found, line) for line in found.prompts], hide_index=True, key="vote-prompts")
    written = [line for line in found.prompts if line.comments]
    if written:
        number = sum(len(line.comments) for line in written)
        with st.expander(counted(number, "comment"), icon=":material/comment:", expanded=number <= 3):
            for line in written:
                st.caption(escape(f"{line.row_id}: {shorten(line.prompt, 300)}"))
                _comments(found, line)
    with st.expander("Read the answers again, with names", icon=":material/visibility:"):
        _one(found)


def _row(found: Results, line: PromptVotes) -> dict[str, str | int]:
    return {
        "row": line.row_id,
        "said most often": WORDS.get(line.majority) or found.named(line.majority),
        "question": shorten(line.prompt, 160),
        found.tuned: line.tuned,
        found.base: line.base,
        "tie": line.tie,
        "both bad": line.both_bad,
        "skipped": line.skip,
        "comments": len(line.comments),
    }


@st.fragment
@guarded
def _one(found: Results) -> None:
    lines = {line.row_id: line for line in found.prompts}
    row_id = st.selectbox("Question", lines, format_func=lambda one: _asked(lines[one]), key="vote-read")
    answers = votes.texts(found, row_id)
    titles = (found.title("base"), found.title("tuned"))
    show_answers(lines[row_id].prompt, answers, key="named-pair", titles=titles)
    _comments(found, lines[row_id])


def _comments(found: Results, line: PromptVotes) -> None:
    """Each in full: a comment may speak of A and B, which were other models for each person."""
    for who, text, left in line.comments:
        st.markdown(f"**{escape(who)}**, whose A was {escape(found.named(left))}: {escape(text)}")


def _asked(line: PromptVotes) -> str:
    said = f" · {counted(len(line.comments), 'comment')}" if line.comments else ""
    return f"{line.row_id}: {shorten(line.prompt, 80)}{said}"
