"""Whether a template brings conversations back: written as text, read again, compared. To be looked at before a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lib.errors import BadInput
from lib.formats.reading import parse
from lib.formats.render import REFUSALS, render_text
from lib.formats.template import Template
from lib.formats.templates import get_template
from lib.records import Conversation

if TYPE_CHECKING:
    from lib.formats.tokenizer import ModelTokenizer

EXAMPLES = 20
_PLACE = re.compile(r"message \d+")


@dataclass
class Refused:
    """Rows refused for one reason; the ids of the first of them."""

    rows: int = 0
    first: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that comes back otherwise, and what differs."""

    row: int
    what: str


@dataclass
class RoundTrip:
    """What came of the rows. `template` is the version that was used, such as `mine@2`.

    `same` came back as they were; of `whitespace` only the spaces and line breaks round messages differ; `refused`
    cannot be carried, by reason; `differs` came back otherwise, `differences` being the first of them. When the
    template cannot be read at all, `readable` is False and the rows it can carry are counted as `unread`.
    """

    template: str
    readable: bool = True
    rows: int = 0
    same: int = 0
    whitespace: int = 0
    whitespace_first: list[int] = field(default_factory=list)
    differs: int = 0
    differences: list[Difference] = field(default_factory=list)
    unread: int = 0
    refused: dict[str, Refused] = field(default_factory=dict)

    @property
    def left_out(self) -> int:
        """Rows that are refused, for whatever reason."""
        return sum(reason.rows for reason in self.refused.values())

    @property
    def safe(self) -> bool:
        """Whether there are rows that it carries, and all of them come back, whitespace aside."""
        return self.readable and not self.differs and self.left_out < max(self.rows, 1)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "left_out": self.left_out, "safe": self.safe}


def round_trip(
    template: str | Template,
    conversations: Iterable[tuple[int, Conversation]],
    tokenizer: ModelTokenizer | None = None,
    *,
    escape: bool = False,
    progress: Callable[[int], None] | None = None,
    every: int = 500,
) -> RoundTrip:
    """Write and read back every (row id, conversation). `progress` is told how many are done, every so many rows.

    A template goes by its name. Rows that end with a question are written as prompts.

    Raises:
        NotFound: no such template.
        ModelError: the `model` template without a tokenizer, or with one that has no chat template.
    """
    template = get_template(template) if isinstance(template, str) else template
    found = RoundTrip(template.name, _readable(template, tokenizer))
    for row, conversation in conversations:
        _judge(found, row, conversation, template, tokenizer, escape)
        found.rows += 1
        if progress and found.rows % every == 0:
            progress(found.rows)
    if progress:
        progress(found.rows)
    return found


def _readable(template: Template, tokenizer: ModelTokenizer | None) -> bool:
    if not template.needs_tokenizer:
        return template.parse is not None
    return tokenizer is not None and tokenizer.chat is not None and tokenizer.chat.layout is not None


def _judge(
    found: RoundTrip,
    row: int,
    conversation: Conversation,
    template: Template,
    tokenizer: ModelTokenizer | None,
    escape: bool,
) -> None:
    is_open = conversation.messages[-1].role == "user"
    try:
        text = render_text(conversation, template, tokenizer, generation=is_open, escape=escape)
    except REFUSALS as error:
        reason = found.refused.setdefault(_PLACE.sub("a message", error.message), Refused())
        reason.rows += 1
        _note(reason.first, row)
        return
    if not found.readable:
        found.unread += 1
        return
    try:
        back = parse(text, template, tokenizer, escaped=escape)
    except BadInput as error:
        _differs(found, row, f"cannot be read back: {error.message}")
        return
    if back == conversation:
        found.same += 1
    elif what := _difference(conversation, back):
        _differs(found, row, what)
    else:
        found.whitespace += 1
        _note(found.whitespace_first, row)


def _differs(found: RoundTrip, row: int, what: str) -> None:
    found.differs += 1
    if len(found.differences) < EXAMPLES:
        found.differences.append(Difference(row, what))


def _note(rows: list[int], row: int) -> None:
    if len(rows) < EXAMPLES:
        rows.append(row)


def _difference(before: Conversation, after: Conversation) -> str:
    """What differs besides whitespace round texts; empty when nothing does."""
    roles = [[message.role for message in side.messages] for side in (before, after)]
    if roles[0] != roles[1]:
        return f"{', '.join(roles[0])} comes back as {', '.join(roles[1])}"
    for number, (old, new) in enumerate(zip(before.messages, after.messages, strict=True), start=1):
        for what, one, other in (("text", old.content, new.content), ("input", old.context, new.context)):
            if one.strip() != other.strip():
                return f"the {what} of message {number} ({old.role}) comes back otherwise"
    return ""
