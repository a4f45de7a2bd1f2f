"""What a template is: how it writes a conversation as segments, and how it reads its text back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lib.formats.segments import LITERAL, Segment, Specials
from lib.records import Conversation

Write = Callable[[Conversation, Specials, bool], list[Segment]]
Read = Callable[[str, Specials], Conversation]


@dataclass(frozen=True, slots=True)
class Template:
    """One way to write a conversation as text. Call it through `render` and `parse`, which check first."""

    name: str
    label: str
    help: str
    """One line for a person who chooses."""
    segments: Write
    """(conversation, specials, add_generation_prompt) -> segments. Unchecked and unmerged."""
    parse: Read | None = None
    """(text, tokens it is written with) -> Conversation, `BadInput` when it is not in this form.

    None: the form cannot be read.
    """
    tags: frozenset[str] = frozenset()
    """Literals that no message may hold."""
    literal: Specials = LITERAL
    """The tokens of exported text, when there is no tokenizer."""
    end_of_turn: str = ""
    """The format's own token after an answer; empty: the tokenizer's EOS."""
    one_pair: bool = False
    """Carries one user message and one answer, and no system message."""
    joint: str = "\n\n"
    """Stands between a system prompt and a question that are made one text: see `unroll`."""
    needs_tokenizer: bool = False
    source: str = ""
    """The Jinja of a template that somebody wrote here; empty for those that come with the studio."""
