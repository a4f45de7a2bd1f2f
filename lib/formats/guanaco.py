"""Guanaco: `### Human:` and `### Assistant:`, turn after turn, with no line break between them.

Layout: the text column of https://huggingface.co/datasets/timdettmers/openassistant-guanaco, whose turns are joined
directly: `### Human: question### Assistant: answer### Human: …`. That is what models of this kind were trained on, so
it is what is written; the data set has no system texts: one is put in front on a line of its own, as FastChat
does (https://github.com/lm-sys/FastChat/blob/main/fastchat/conversation.py, `zero_shot`). Every answer is ended with
the model's end token, which the data set leaves to the trainer.
Texts are stripped, so that headings on lines of their own, spaces between them, and a heading that waits for the next
question read as the same messages.
"""

from __future__ import annotations

import re

from lib.errors import BadInput, CannotCarry
from lib.formats import context
from lib.formats.checks import OTHER, refuse_marks
from lib.formats.segments import LITERAL, Segment, Specials, begin_of, split_end, strip_begin
from lib.formats.template import Template
from lib.records import Conversation, Message

HUMAN, ASSISTANT = "### Human:", "### Assistant:"
TAGS = frozenset({HUMAN, ASSISTANT})

_HEADING = re.compile(f"({HUMAN}|{ASSISTANT})")
_HINT = "Write it as ### Human: question ### Assistant: answer, in turn."


def _write(conversation: Conversation, specials: Specials) -> list[Segment]:
    out = [Segment(specials.bos, False, True)]
    for number, message in enumerate(conversation.messages, start=1):
        if message.role == "assistant":
            out += [Segment(f" {message.content.strip()}", True), Segment(specials.eos, True, True)]
        elif message.role == "user":
            text = context.user_text("guanaco", number, "", message)
            out.append(Segment(f"{HUMAN} {text}{ASSISTANT}", False))
        else:
            out.append(Segment(f"{_system(message.content)}\n", False))
    return out


def _system(text: str) -> str:
    if not text.strip():
        raise CannotCarry(
            "guanaco cannot carry message 1 (system): it is empty, and could not be told from none.", OTHER
        )
    return text.strip()


def _read(text: str, specials: Specials) -> Conversation:
    before, *parts = _HEADING.split(strip_begin(text, specials))
    if not parts:
        raise BadInput(f"There is no {HUMAN}", _HINT)
    system = before.strip()
    messages = [Message("system", system)] if system else []
    turns = list(zip(parts[::2], parts[1::2], strict=True))
    for number, (heading, body) in enumerate(turns):
        if heading != (HUMAN, ASSISTANT)[number % 2]:
            what = "comes first" if number == 0 else "follows another"
            raise BadInput(f"Heading {number + 1}: {heading} {what}.", _HINT)
        messages += _read_turn(heading, body, specials, first=number == 0, last=number == len(turns) - 1)
    refuse_marks(messages, TAGS, specials, _HINT)
    return Conversation(tuple(messages))


def _read_turn(heading: str, body: str, specials: Specials, *, first: bool, last: bool) -> list[Message]:
    """The message under a heading; none under the last one when nothing stands there yet."""
    if heading == HUMAN:
        return [] if last and not first and not body.strip() else [context.user_message(body.strip())]
    bos, body = begin_of(specials), body.rstrip()
    if bos and not last:
        body = body.removesuffix(bos)  # of the next turn
    answer, ended = split_end(body, specials.eos)
    return [Message("assistant", answer.strip())] if answer.strip() or ended or not last else []


GUANACO = Template(
    name="guanaco",
    label="Guanaco",
    help="Turns under ### Human: and ### Assistant:, as in openassistant-guanaco. For models tuned on such text.",
    segments=lambda conversation, specials, _: _write(conversation, specials),
    parse=_read,
    tags=TAGS,
    literal=Specials("", LITERAL.eos, LITERAL.known),
)
